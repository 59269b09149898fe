import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from './logger.js';

/** One line per answered request. Paths only: a query may hold what a member searched for. */
export function requestLog(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const requestId = request.get('x-request-id') ?? randomUUID();
    const { method, path } = request;
    response.set('x-request-id', requestId);
    response.on('finish', () => {
      const status = response.statusCode;
      const milliseconds = Math.round((performance.now() - started) * 10) / 10;
      logger.log(status >= 500 ? 'error' : 'info', 'request', { requestId, method, path, status, milliseconds });
    });
    next();
  };
}
