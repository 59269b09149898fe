import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { SignJWT, errors, jwtVerify } from 'jose';
import type { Session } from '@medianest/shared';
import { ApiError } from './errors.js';

const ISSUER = 'medianest';
const LIFETIME_SECONDS = 3600;

export async function issueToken(secret: Uint8Array, name: string, now = Date.now()): Promise<Session> {
  const expires = Math.floor(now / 1000) + LIFETIME_SECONDS;
  const token = await new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(ISSUER)
    .setSubject(name)
    .setIssuedAt(Math.floor(now / 1000))
    .setExpirationTime(expires)
    .sign(secret);
  return { token, expiresAt: new Date(expires * 1000).toISOString() };
}

/** The member a token belongs to; throws an `ApiError` for every token that does not hold. */
export async function readToken(secret: Uint8Array, token: string): Promise<string> {
  try {
    const { payload } = await jwtVerify(token, secret, { issuer: ISSUER, algorithms: ['HS256'] });
    if (typeof payload.sub === 'string' && payload.sub !== '') return payload.sub;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new ApiError(401, 'token-expired', 'log in again');
    if (!(error instanceof errors.JOSEError)) throw error;
  }
  throw new ApiError(401, 'token-invalid', 'this token does not hold');
}

/** Lets only members through; who it is stands in `memberOf(response)`. */
export function requireMember(secret: Uint8Array): RequestHandler {
  return async (request, response, next) => {
    const [scheme, token] = (request.get('authorization') ?? '').split(' ');
    if (scheme !== 'Bearer' || !token) throw new ApiError(401, 'token-missing', 'log in first');
    response.locals.member = await readToken(secret, token);
    next();
  };
}

export function memberOf(response: Response): string {
  return response.locals.member as string;
}

/** Compares in constant time, whatever the lengths. */
export function sameCode(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
