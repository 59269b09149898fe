import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/logger.js';
import { openCounters, type Counters } from '../../src/counters.js';

const url = process.env.REDIS_URL;
if (!url) throw new Error('set REDIS_URL to a Redis that may be written to');

const WINDOW_MS = 2000;
type Settings = Parameters<NonNullable<NonNullable<ReturnType<Counters['store']>>['init']>>[0];

describe('counts in Redis', () => {
  const processes: Counters[] = [];
  const open = () => {
    const counters = openCounters(
      { kind: 'redis', url },
      createLogger('error', {}, () => undefined),
    );
    processes.push(counters);
    return counters;
  };
  const caller = `caller-${crypto.randomUUID()}`;

  beforeAll(async () => {
    open();
    open();
    for (const counters of processes)
      await vi.waitFor(async () => expect(await counters.ping()).toBe(true), { timeout: 30_000 });
  });
  afterAll(() => Promise.all(processes.map((counters) => counters.close())));

  it('are shared by all processes, and begin anew with the next window', async () => {
    const [one, other] = processes.map((counters) => counters.store('test')!);
    for (const store of [one!, other!]) store.init!({ windowMs: WINDOW_MS } as Settings);
    expect((await one!.increment(caller)).totalHits).toBe(1);
    const second = await other!.increment(caller);
    expect(second.totalHits).toBe(2);
    expect(second.resetTime!.getTime() - Date.now()).toBeLessThanOrEqual(WINDOW_MS);
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS + 50));
    expect((await other!.increment(caller)).totalHits).toBe(1);
  });
});
