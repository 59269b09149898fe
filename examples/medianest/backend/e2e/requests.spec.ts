import { expect, test } from './session.js';

const wish = { title: 'Nosferatu', kind: 'film', year: 1922, note: 'the restored one' };

test('anybody can search the catalogue', { tag: '@staging' }, async ({ request }) => {
  const response = await request.get('/api/media', { params: { q: 'moon', kind: 'film' } });
  expect(response.status()).toBe(200);
  expect(await response.json()).toMatchObject({ media: [{ title: 'A Trip to the Moon' }] });
});

test('nobody can list requests without a token', { tag: '@staging' }, async ({ request }) => {
  expect((await request.get('/api/requests')).status()).toBe(401);
  const forged = await request.get('/api/requests', { headers: { authorization: 'Bearer e30.e30.' } });
  expect(forged.status()).toBe(401);
});

test('a wrong access code opens nothing', { tag: '@staging' }, async ({ request }) => {
  const response = await request.post('/api/session', { data: { name: 'Mallory', accessCode: 'guess' } });
  expect(response.status()).toBe(403);
});

test('a member asks for a title and sees it fulfilled', { tag: '@staging' }, async ({ member }) => {
  const created = await member.post('/api/requests', { data: wish });
  expect(created.status()).toBe(201);
  const { id } = (await created.json()) as { id: string };

  const changed = await member.patch(`/api/requests/${id}`, { data: { state: 'fulfilled' } });
  expect(changed.status()).toBe(200);

  const listed = await member.get('/api/requests');
  expect(await listed.json()).toMatchObject({ requests: [{ ...wish, id, state: 'fulfilled' }] });
});

test('the same wish counts once', { tag: '@staging' }, async ({ member }) => {
  expect((await member.post('/api/requests', { data: wish })).status()).toBe(201);
  expect((await member.post('/api/requests', { data: wish })).status()).toBe(409);
});

test('a bad wish is refused with everything that is wrong', { tag: '@staging' }, async ({ member }) => {
  const response = await member.post('/api/requests', { data: { title: '', kind: 'game', year: 1 } });
  expect(response.status()).toBe(422);
  const { error } = (await response.json()) as { error: { issues: { path: string }[] } };
  expect(error.issues.map((issue) => issue.path)).toEqual(['title', 'kind', 'year']);
});
