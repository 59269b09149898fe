import { FIRST_YEAR, LAST_YEAR, mediaKind, type MediaKind } from './media.js';
import { integer, object, optional, text, type Infer } from './schema.js';

export const REQUEST_STATES = ['open', 'fulfilled', 'declined'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

/** A member's wish for something the library does not have yet. */
export interface MediaRequest {
  id: string;
  title: string;
  kind: MediaKind;
  year: number;
  note: string;
  requestedBy: string;
  state: RequestState;
  createdAt: string;
  /** When it was fulfilled or declined. */
  decidedAt?: string;
}

/** What a member sends to ask for a title. */
export const newRequest = object({
  title: text({ max: 120 }),
  kind: mediaKind,
  year: integer({ min: FIRST_YEAR, max: LAST_YEAR }),
  note: optional(text({ min: 0, max: 500 })),
});
export type NewRequest = Infer<typeof newRequest>;

/** What a member sends to be let in. */
export const credentials = object({
  name: text({ min: 2, max: 40 }),
  accessCode: text({ min: 1, max: 200 }),
});
export type Credentials = Infer<typeof credentials>;

export interface Session {
  token: string;
  expiresAt: string;
}
