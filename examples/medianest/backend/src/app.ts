import express, { type Express } from 'express';
import { rateLimit, type RateLimitRequestHandler } from 'express-rate-limit';
import type { Problem } from '@medianest/shared';
import { requireMember } from './auth.js';
import type { BuildInfo } from './build-info.js';
import type { Config } from './config.js';
import type { Counters } from './counters.js';
import { errorAnswers, notFound } from './errors.js';
import type { Logger } from './logger.js';
import { createMetrics } from './metrics.js';
import { requestLog } from './request-log.js';
import { mediaRoutes } from './routes/media.js';
import { operationRoutes } from './routes/operations.js';
import { requestRoutes } from './routes/requests.js';
import { sessionRoutes } from './routes/session.js';
import type { Store } from './store/store.js';
import { Vault } from './vault.js';

/** Guessing an access code gets a tenth of what reading gets. */
const LOGIN_SHARE = 10;

function limit(perMinute: number, counters: Counters, name: string): RateLimitRequestHandler {
  const problem: Problem = { error: { code: 'too-many-requests', message: 'wait a minute and try again' } };
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-7',
    legacyHeaders: false,
    message: problem,
    store: counters.store(name),
  });
}

export interface Parts {
  config: Pick<Config, 'jwtSecret' | 'encryptionKey' | 'accessCode' | 'rateLimitPerMinute' | 'trustedProxies'>;
  store: Store;
  counters: Counters;
  logger: Logger;
  build: BuildInfo;
}

export function createApp({ config, store, counters, logger, build }: Parts): Express {
  const metrics = createMetrics(build, { store, counters });
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', config.trustedProxies);
  app.use(requestLog(logger), metrics.observe);
  app.use(operationRoutes(store, counters, metrics, build));
  app.use('/api', limit(config.rateLimitPerMinute, counters, 'api'), express.json({ limit: '16kb' }));
  app.use(
    '/api/session',
    limit(Math.max(1, Math.floor(config.rateLimitPerMinute / LOGIN_SHARE)), counters, 'session'),
    sessionRoutes(config.accessCode, config.jwtSecret),
  );
  app.use('/api/media', mediaRoutes(store));
  app.use(
    '/api/requests',
    requireMember(config.jwtSecret),
    requestRoutes(store, new Vault(config.encryptionKey), metrics),
  );
  app.use(notFound);
  app.use(errorAnswers(logger));
  return app;
}
