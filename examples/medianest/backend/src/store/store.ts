import type { Media, MediaKind, MediaRequest, RequestState } from '@medianest/shared';

/** A request as it is kept: the note is sealed before it gets here. */
export type KeptRequest = Omit<MediaRequest, 'note'> & { sealedNote: string };

export interface Wish {
  title: string;
  kind: MediaKind;
  year: number;
  sealedNote: string;
  requestedBy: string;
}

export interface MediaFilter {
  /** Part of the title, without case. */
  text?: string;
  kind?: MediaKind;
}

/** Thrown where the same member already asked for the same title. */
export class DuplicateRequest extends Error {
  constructor() {
    super('this member asked for this title before');
    this.name = 'DuplicateRequest';
  }
}

/** Where media and requests live. Every store keeps the same promises: see test/store-contract.ts. */
export interface Store {
  readonly kind: string;
  /** By title. */
  media(filter: MediaFilter): Promise<Media[]>;
  /** A member's own requests, newest first. */
  requestsOf(member: string): Promise<KeptRequest[]>;
  /** Throws `DuplicateRequest`. */
  addRequest(wish: Wish): Promise<KeptRequest>;
  /** Undefined where there is no such request of this member. */
  setState(id: string, member: string, state: RequestState): Promise<KeptRequest | undefined>;
  /** Whether it can be reached right now. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}
