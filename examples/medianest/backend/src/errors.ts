import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Issue, Problem, Schema } from '@medianest/shared';
import type { Logger } from './logger.js';

/** An answer other than success that the caller may read. */
export class ApiError extends Error {
  constructor(
    readonly httpStatus: number,
    readonly code: string,
    message: string,
    readonly issues?: Issue[],
  ) {
    super(message);
    this.name = 'ApiError';
  }

  get body(): Problem {
    const { code, message, issues } = this;
    return { error: issues ? { code, message, issues } : { code, message } };
  }
}

/** Reads a request's body, or refuses it with everything that is wrong. */
export function parseBody<T>(schema: Schema<T>, body: unknown): T {
  const parsed = schema.parse(body);
  if (!parsed.ok) throw new ApiError(422, 'invalid-body', 'the body does not fit', parsed.issues);
  return parsed.value;
}

export const notFound: RequestHandler = (request) => {
  throw new ApiError(404, 'not-found', `nothing at ${request.path}`);
};

interface ParserError {
  type?: string;
  statusCode?: number;
}

/** The last stop: known errors are told, unknown ones are logged and told as nothing but a number. */
export function errorAnswers(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const known = error instanceof ApiError ? error : fromBodyParser(error as ParserError);
    if (known) {
      response.status(known.httpStatus).json(known.body);
      return;
    }
    logger.log('error', 'request failed', { method: request.method, path: request.path, error });
    response.status(500).json({ error: { code: 'internal', message: 'something went wrong' } } satisfies Problem);
  };
}

function fromBodyParser(error: ParserError): ApiError | undefined {
  if (error.type === 'entity.parse.failed') return new ApiError(400, 'not-json', 'the body is not JSON');
  if (error.type === 'entity.too.large') return new ApiError(413, 'too-large', 'the body is too large');
  return undefined;
}
