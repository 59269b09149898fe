import { Router } from 'express';
import { mediaKind, object, optional, text } from '@medianest/shared';
import { ApiError } from '../errors.js';
import type { Store } from '../store/store.js';

const search = object({ q: optional(text({ min: 0, max: 120 })), kind: optional(mediaKind) });

export function mediaRoutes(store: Store): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    const parsed = search.parse({ ...request.query });
    if (!parsed.ok) throw new ApiError(400, 'invalid-query', 'this cannot be searched for', parsed.issues);
    response.json({ media: await store.media({ text: parsed.value.q, kind: parsed.value.kind }) });
  });
  return router;
}
