import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory.js';
import { start, type Running } from './server.js';

let running: Running;
afterEach(() => running.stop());

class UnreachableStore extends MemoryStore {
  override async ping(): Promise<boolean> {
    return false;
  }

  override async media(): Promise<never> {
    throw new Error('connection to 10.0.0.5 refused');
  }
}

describe('GET /health', () => {
  it('tells version and commit', async () => {
    running = await start();
    const response = await running.call('/health');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toMatchObject({
      state: 'ok',
      version: '9.9.9',
      sha: 'cafe123',
      store: { kind: 'memory', reachable: true },
      rateLimit: { kind: 'memory', reachable: true },
    });
  });

  it('answers 503 where the store cannot be reached', async () => {
    running = await start({}, new UnreachableStore());
    const response = await running.call('/health');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ state: 'degraded', store: { reachable: false } });
  });
});

describe('counts of the rate limit', () => {
  it('are kept by each process itself while Redis cannot be reached, and /health says so', async () => {
    running = await start({ RATE_LIMIT_STORE: 'redis', REDIS_URL: 'redis://127.0.0.1:1', RATE_LIMIT_PER_MINUTE: '2' });
    const statuses = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await running.call('/api/media')).status);
    expect(statuses).toEqual([200, 200, 429]);
    const response = await running.call('/health');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      state: 'degraded',
      rateLimit: { kind: 'redis', reachable: false },
    });
    await expect.poll(() => running.logs.map((line) => line.message).join()).toContain('redis is out of reach');
    const text = await (await running.call('/metrics')).text();
    expect(text).toContain('medianest_dependency_up{dependency="store"} 1');
    expect(text).toContain('medianest_dependency_up{dependency="counters"} 0');
  });
});

describe('GET /metrics', () => {
  it('tells what is running, and times by route', async () => {
    running = await start();
    await running.call('/api/media?q=moon');
    await running.call('/no/such/path/4711');
    const text = await (await running.call('/metrics')).text();
    expect(text).toContain('medianest_build_info{version="9.9.9",sha="cafe123"} 1');
    expect(text).toMatch(/http_request_duration_seconds_count\{method="GET",route="\/api\/media\/",status="200"\} 1/);
    expect(text).toMatch(/route="unmatched",status="404"\} 1/);
    expect(text).not.toContain('4711');
  });
});

describe('logs', () => {
  it('carry the id that a caller gave, so that a call can be found again', async () => {
    running = await start({}, new MemoryStore(), 'info');
    await running.call('/health');
    await running.call('/health', { headers: { 'x-request-id': 'probe-4711' } });
    const answer = await running.call('/api/media', { headers: { 'x-request-id': 'not an id' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    await expect.poll(() => running.logs.length).toBe(2);
    expect(running.logs[0]).toMatchObject({ level: 'info', path: '/health', requestId: 'probe-4711' });
    expect(JSON.stringify(running.logs)).not.toContain('not an id');
  });

  it('hold one line per request, without its query', async () => {
    running = await start();
    await running.call('/api/media?q=private');
    await expect.poll(() => running.logs.length).toBe(1);
    expect(running.logs[0]).toMatchObject({ message: 'request', method: 'GET', path: '/api/media', status: 200 });
    expect(JSON.stringify(running.logs)).not.toContain('private');
  });

  it('tell the cause of a 500, which the answer does not', async () => {
    running = await start({}, new UnreachableStore());
    const response = await running.call('/api/media');
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: { code: 'internal', message: 'something went wrong' } });
    expect(running.logs.find((line) => line.message === 'request failed')).toMatchObject({
      level: 'error',
      error: { message: 'connection to 10.0.0.5 refused' },
    });
  });
});

describe('rate limit', () => {
  it('tells the limit and enforces it, but never on /health', async () => {
    running = await start({ RATE_LIMIT_PER_MINUTE: '3' });
    const first = await running.call('/api/media');
    expect(first.headers.get('ratelimit')).toMatch(/limit=3, remaining=2, reset=\d+/);
    expect(first.headers.get('ratelimit-policy')).toBe('3;w=60');
    await running.call('/api/media');
    await running.call('/api/media');
    const fourth = await running.call('/api/media');
    expect(fourth.status).toBe(429);
    expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await fourth.json()).toMatchObject({ error: { code: 'too-many-requests' } });
    expect((await running.call('/health')).status).toBe(200);
  });
});
