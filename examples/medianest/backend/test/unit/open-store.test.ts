import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { openStore } from '../../src/store/open.js';

describe('openStore', () => {
  it('says aloud that a store in memory forgets', async () => {
    const lines: string[] = [];
    const store = openStore(
      { kind: 'memory' },
      createLogger('info', {}, (line) => lines.push(line)),
    );
    expect(store.kind).toBe('memory');
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'warn' });
    await store.addRequest({ title: 'x', kind: 'film', year: 1922, sealedNote: '', requestedBy: 'Ada' });
    await store.close();
    expect(await store.requestsOf('Ada')).toEqual([]);
  });

  it('opens PostgreSQL without calling it, and a ping tells that nobody answers', async () => {
    const logger = createLogger('error', {}, () => undefined);
    const store = openStore({ kind: 'postgres', url: 'postgresql://nobody@127.0.0.1:1/none' }, logger);
    expect(store.kind).toBe('postgres');
    expect(await store.ping()).toBe(false);
    await store.close();
  });
});
