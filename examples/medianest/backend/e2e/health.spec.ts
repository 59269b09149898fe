import { expect, test } from '@playwright/test';

test('health tells state, version and commit', { tag: '@staging' }, async ({ request }) => {
  const response = await request.get('/health');
  expect(response.status()).toBe(200);
  const health = (await response.json()) as Record<string, unknown>;
  expect(health).toMatchObject({ state: 'ok', store: { reachable: true } });
  expect(health.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(health.sha).not.toBe('unknown');
});

test('an unknown path is a 404 in JSON', { tag: '@staging' }, async ({ request }) => {
  const response = await request.get('/api/nothing-here');
  expect(response.status()).toBe(404);
  expect(await response.json()).toMatchObject({ error: { code: 'not-found' } });
});

test('the API tells its rate limit', { tag: '@staging' }, async ({ request }) => {
  const response = await request.get('/api/media');
  expect(response.headers()['ratelimit-policy']).toMatch(/^\d+;w=60$/);
});
