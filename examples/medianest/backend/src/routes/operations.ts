import { Router } from 'express';
import type { Health } from '@medianest/shared';
import type { BuildInfo } from '../build-info.js';
import type { Counters } from '../counters.js';
import type { Metrics } from '../metrics.js';
import type { Store } from '../store/store.js';

/** What operators and probes look at: never rate-limited, never behind a login. */
export function operationRoutes(store: Store, counters: Counters, metrics: Metrics, build: BuildInfo): Router {
  const router = Router();

  router.get('/health', async (_request, response) => {
    const [reachable, counted] = await Promise.all([store.ping(), counters.ping()]);
    const health: Health = {
      state: reachable && counted ? 'ok' : 'degraded',
      ...build,
      store: { kind: store.kind, reachable },
      rateLimit: { kind: counters.kind, reachable: counted },
      uptimeSeconds: Math.round(process.uptime()),
    };
    // Without the store nothing works; without shared counts each process counts for itself.
    response
      .status(reachable ? 200 : 503)
      .set('cache-control', 'no-store')
      .json(health);
  });

  router.get('/metrics', async (_request, response) => {
    response.set('content-type', metrics.registry.contentType).send(await metrics.registry.metrics());
  });

  return router;
}
