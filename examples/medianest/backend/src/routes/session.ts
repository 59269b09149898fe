import { Router } from 'express';
import { credentials } from '@medianest/shared';
import { issueToken, sameCode } from '../auth.js';
import { ApiError, parseBody } from '../errors.js';

export function sessionRoutes(accessCode: string, jwtSecret: Uint8Array): Router {
  const router = Router();
  router.post('/', async (request, response) => {
    const { name, accessCode: given } = parseBody(credentials, request.body);
    if (!sameCode(given, accessCode)) throw new ApiError(403, 'wrong-code', 'this access code does not open the door');
    response.status(201).json(await issueToken(jwtSecret, name));
  });
  return router;
}
