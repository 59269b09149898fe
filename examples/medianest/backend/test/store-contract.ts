import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DuplicateRequest, type Store, type Wish } from '../src/store/store.js';

const wish = (changes: Partial<Wish> = {}): Wish => ({
  title: 'Nosferatu',
  kind: 'film',
  year: 1922,
  sealedNote: '',
  requestedBy: 'Ada',
  ...changes,
});

/** What every store promises, whatever it keeps things in. `open` gives an empty one with the first catalogue. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('lists the catalogue by title', async () => {
      const titles = (await store.media({})).map((media) => media.title);
      expect(titles).toEqual([
        'A Trip to the Moon',
        'Fantomas',
        'Frankenstein',
        'Goldberg Variations',
        'Kind of Blue',
        'Metropolis',
        'The Time Machine',
      ]);
    });

    it('finds by part of the title, without case, and by kind', async () => {
      expect((await store.media({ text: 'THE' })).map((m) => m.title)).toEqual([
        'A Trip to the Moon',
        'The Time Machine',
      ]);
      expect((await store.media({ text: 'the', kind: 'book' })).map((m) => m.title)).toEqual(['The Time Machine']);
      expect(await store.media({ text: '%' })).toEqual([]);
    });

    it('keeps a request as it was made, open', async () => {
      const kept = await store.addRequest(wish({ sealedNote: 'c2VhbGVk' }));
      expect(kept).toMatchObject({ title: 'Nosferatu', sealedNote: 'c2VhbGVk', requestedBy: 'Ada', state: 'open' });
      expect(await store.requestsOf('Ada')).toEqual([kept]);
    });

    it("shows a member their own requests only, newest first, and nobody else's", async () => {
      await store.addRequest(wish({ title: 'First' }));
      await new Promise((resolve) => setTimeout(resolve, 5));
      await store.addRequest(wish({ title: 'Second' }));
      await store.addRequest(wish({ requestedBy: 'Grace' }));
      expect((await store.requestsOf('Ada')).map((r) => r.title)).toEqual(['Second', 'First']);
    });

    it('takes a title once per member', async () => {
      await store.addRequest(wish());
      await expect(store.addRequest(wish({ title: 'NOSFERATU' }))).rejects.toBeInstanceOf(DuplicateRequest);
      await store.addRequest(wish({ year: 1979 }));
      await store.addRequest(wish({ requestedBy: 'Grace' }));
      expect(await store.requestsOf('Ada')).toHaveLength(2);
    });

    it('changes the state of the own request only', async () => {
      const { id } = await store.addRequest(wish());
      expect(await store.setState(id, 'Ada', 'fulfilled')).toMatchObject({ id, state: 'fulfilled' });
      expect(await store.setState(id, 'Grace', 'declined')).toBeUndefined();
      expect(await store.setState('no-such-id', 'Ada', 'declined')).toBeUndefined();
      expect((await store.requestsOf('Ada'))[0]).toMatchObject({ state: 'fulfilled' });
    });

    it('says when a request was decided, while it is decided', async () => {
      const { id, decidedAt } = await store.addRequest(wish());
      expect(decidedAt).toBeUndefined();
      const fulfilled = await store.setState(id, 'Ada', 'fulfilled');
      expect(Date.parse(fulfilled!.decidedAt!)).toBeGreaterThanOrEqual(Date.parse(fulfilled!.createdAt));
      expect((await store.setState(id, 'Ada', 'open'))!.decidedAt).toBeUndefined();
    });

    it('answers a ping', async () => {
      expect(await store.ping()).toBe(true);
    });
  });
}
