import { Router } from 'express';
import type { Health } from '@medianest/shared';
import type { BuildInfo } from '../build-info.js';
import type { Metrics } from '../metrics.js';
import type { Store } from '../store/store.js';

/** What operators and probes look at: never rate-limited, never behind a login. */
export function operationRoutes(store: Store, metrics: Metrics, build: BuildInfo): Router {
  const router = Router();

  router.get('/health', async (_request, response) => {
    const reachable = await store.ping();
    const health: Health = {
      state: reachable ? 'ok' : 'degraded',
      ...build,
      store: { kind: store.kind, reachable },
      uptimeSeconds: Math.round(process.uptime()),
    };
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
