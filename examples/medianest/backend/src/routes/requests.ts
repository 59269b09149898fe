import { Router } from 'express';
import { REQUEST_STATES, newRequest, object, oneOf, type MediaRequest } from '@medianest/shared';
import { memberOf } from '../auth.js';
import { ApiError, parseBody } from '../errors.js';
import type { Metrics } from '../metrics.js';
import { DuplicateRequest, type KeptRequest, type Store } from '../store/store.js';
import type { Vault } from '../vault.js';

const change = object({ state: oneOf(REQUEST_STATES) });

/** A member's own requests; mounted behind `requireMember`. */
export function requestRoutes(store: Store, vault: Vault, metrics: Metrics): Router {
  const router = Router();
  const told = ({ sealedNote, ...rest }: KeptRequest): MediaRequest => ({ ...rest, note: vault.open(sealedNote) });

  router.get('/', async (_request, response) => {
    const requests = await store.requestsOf(memberOf(response));
    response.json({ requests: requests.map(told) });
  });

  router.post('/', async (request, response) => {
    const { note = '', ...wish } = parseBody(newRequest, request.body);
    try {
      const kept = await store.addRequest({ ...wish, sealedNote: vault.seal(note), requestedBy: memberOf(response) });
      metrics.requestsCreated.inc({ kind: kept.kind });
      response.status(201).location(`/api/requests/${kept.id}`).json(told(kept));
    } catch (error) {
      if (error instanceof DuplicateRequest) throw new ApiError(409, 'duplicate', 'you asked for this title before');
      throw error;
    }
  });

  router.patch('/:id', async (request, response) => {
    const { state } = parseBody(change, request.body);
    const kept = await store.setState(request.params.id, memberOf(response), state);
    if (!kept) throw new ApiError(404, 'not-found', 'you have no such request');
    response.json(told(kept));
  });

  return router;
}
