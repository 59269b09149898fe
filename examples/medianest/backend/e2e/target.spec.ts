import { expect, test } from './session.js';

test('page, backend and headers name one release', { tag: '@staging' }, async ({ request }) => {
  const health = (await (await request.get('/health')).json()) as { version: string; sha: string };
  const page = await request.get('/');
  expect(page.status()).toBe(200);
  expect(page.headers()['x-release']).toBe(health.sha);
  const text = await page.text();
  expect(text).toContain(`<meta name="release" content="${health.sha}" />`);
  expect(text).toContain(`MediaNest ${health.version}`);
});

test('all that the page names is served', { tag: '@staging' }, async ({ request }) => {
  const text = await (await request.get('/')).text();
  const assets = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]!);
  expect(assets.length).toBeGreaterThanOrEqual(2);
  for (const path of assets) expect((await request.get(path)).status(), path).toBe(200);
});

test('what watches the backend stays inside', { tag: '@staging' }, async ({ request }) => {
  expect((await request.get('/metrics')).status()).toBe(404);
});

test('data outlives the process: the store is a database', { tag: '@staging' }, async ({ request }) => {
  expect(await (await request.get('/health')).json()).toMatchObject({
    store: { kind: 'postgres', reachable: true },
    rateLimit: { reachable: true },
  });
});
