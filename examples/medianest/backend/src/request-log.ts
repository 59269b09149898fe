import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from './logger.js';

/** What a caller may put into every line about its request, to find it again in the logs. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;
/** Asked every few seconds by machines that say no id: not worth a line each. */
const LOOKS = new Set(['/health', '/metrics']);

/** One line per answered request. Paths only: a query may hold what a member searched for. */
export function requestLog(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const given = request.get('x-request-id');
    const told = given !== undefined && REQUEST_ID.test(given);
    const requestId = told ? given : randomUUID();
    const { method, path } = request;
    response.set('x-request-id', requestId);
    response.on('finish', () => {
      const status = response.statusCode;
      const milliseconds = Math.round((performance.now() - started) * 10) / 10;
      const level = status >= 500 ? 'error' : LOOKS.has(path) && !told ? 'debug' : 'info';
      logger.log(level, 'request', { requestId, method, path, status, milliseconds });
    });
    next();
  };
}
