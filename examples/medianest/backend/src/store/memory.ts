import { randomUUID } from 'node:crypto';
import type { Media, RequestState } from '@medianest/shared';
import { DuplicateRequest, type KeptRequest, type MediaFilter, type Store, type Wish } from './store.js';

/** The catalogue that the second migration gives a new database, too. */
export const CATALOGUE: readonly Media[] = [
  { id: 'b3b1c1de-0001-4a00-8000-000000000001', title: 'A Trip to the Moon', kind: 'film', year: 1902 },
  { id: 'b3b1c1de-0002-4a00-8000-000000000002', title: 'Metropolis', kind: 'film', year: 1927 },
  { id: 'b3b1c1de-0003-4a00-8000-000000000003', title: 'Goldberg Variations', kind: 'album', year: 1955 },
  { id: 'b3b1c1de-0004-4a00-8000-000000000004', title: 'Kind of Blue', kind: 'album', year: 1959 },
  { id: 'b3b1c1de-0005-4a00-8000-000000000005', title: 'The Time Machine', kind: 'book', year: 1895 },
  { id: 'b3b1c1de-0006-4a00-8000-000000000006', title: 'Frankenstein', kind: 'book', year: 1818 },
  { id: 'b3b1c1de-0007-4a00-8000-000000000007', title: 'Fantomas', kind: 'series', year: 1913 },
];

const sameTitle = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Forgets everything when the process ends: for tests and for a look at the page. */
export class MemoryStore implements Store {
  readonly kind = 'memory';
  private readonly requests: KeptRequest[] = [];

  constructor(private readonly catalogue: readonly Media[] = CATALOGUE) {}

  async media({ text = '', kind }: MediaFilter): Promise<Media[]> {
    return this.catalogue
      .filter((media) => kind === undefined || media.kind === kind)
      .filter((media) => media.title.toLowerCase().includes(text.toLowerCase()))
      .toSorted((a, b) => a.title.localeCompare(b.title, 'en'));
  }

  async requestsOf(member: string): Promise<KeptRequest[]> {
    return this.requests.filter((request) => request.requestedBy === member).toReversed();
  }

  async addRequest(wish: Wish): Promise<KeptRequest> {
    const mine = await this.requestsOf(wish.requestedBy);
    if (mine.some((r) => r.kind === wish.kind && r.year === wish.year && sameTitle(r.title, wish.title))) {
      throw new DuplicateRequest();
    }
    const kept: KeptRequest = { ...wish, id: randomUUID(), state: 'open', createdAt: new Date().toISOString() };
    this.requests.push(kept);
    return { ...kept };
  }

  async setState(id: string, member: string, state: RequestState): Promise<KeptRequest | undefined> {
    const found = this.requests.find((request) => request.id === id && request.requestedBy === member);
    if (!found) return undefined;
    found.state = state;
    found.decidedAt = state === 'open' ? undefined : new Date().toISOString();
    return { ...found };
  }

  async ping(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.requests.length = 0;
  }
}
