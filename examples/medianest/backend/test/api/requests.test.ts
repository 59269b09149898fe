import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { start, type Running } from './server.js';

let running: Running;
beforeEach(async () => {
  running = await start();
});
afterEach(() => running.stop());

const wish = { title: 'Nosferatu', kind: 'film', year: 1922, note: 'the restored one' };

describe('POST /api/session', () => {
  it('lets nobody in with a wrong code', async () => {
    const response = await running.call('/api/session', {
      method: 'POST',
      body: { name: 'Ada', accessCode: 'open sesame' },
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'wrong-code' } });
  });

  it('can be tried a tenth as often as the rest', async () => {
    const body = { name: 'Ada', accessCode: 'guess' };
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 13; attempt += 1) {
      statuses.push((await running.call('/api/session', { method: 'POST', body })).status);
    }
    expect(statuses.filter((status) => status === 403)).toHaveLength(12);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('GET /api/media', () => {
  it('needs no login and searches', async () => {
    const response = await running.call('/api/media?q=moon&kind=film');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ media: [{ title: 'A Trip to the Moon', year: 1902 }] });
  });

  it('refuses a kind it does not know', async () => {
    const response = await running.call('/api/media?kind=game');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { issues: [{ path: 'kind' }] } });
  });
});

describe('/api/requests', () => {
  it.each(['GET', 'POST'])('%s needs a token', async (method) => {
    const response = await running.call('/api/requests', { method, ...(method === 'POST' ? { body: wish } : {}) });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'token-missing' } });
  });

  it('keeps a request and lists it with its note', async () => {
    const token = await running.logIn();
    const created = await running.call('/api/requests', { method: 'POST', token, body: wish });
    expect(created.status).toBe(201);
    const request = (await created.json()) as { id: string };
    expect(created.headers.get('location')).toBe(`/api/requests/${request.id}`);
    const listed = await running.call('/api/requests', { token });
    expect(await listed.json()).toMatchObject({ requests: [{ ...wish, requestedBy: 'Ada', state: 'open' }] });
    expect(await (await running.call('/metrics')).text()).toContain('medianest_requests_created_total{kind="film"} 1');
  });

  it('is private to each member', async () => {
    await running.call('/api/requests', { method: 'POST', token: await running.logIn('Ada'), body: wish });
    const response = await running.call('/api/requests', { token: await running.logIn('Grace') });
    expect(await response.json()).toEqual({ requests: [] });
  });

  it('refuses the same wish twice', async () => {
    const token = await running.logIn();
    await running.call('/api/requests', { method: 'POST', token, body: wish });
    const again = await running.call('/api/requests', { method: 'POST', token, body: wish });
    expect(again.status).toBe(409);
  });

  it('tells every issue of a bad body at once', async () => {
    const token = await running.logIn();
    const body = { title: '', kind: 'game', year: 1700 };
    const response = await running.call('/api/requests', { method: 'POST', token, body });
    expect(response.status).toBe(422);
    const { error } = (await response.json()) as { error: { issues: { path: string }[] } };
    expect(error.issues.map((issue) => issue.path)).toEqual(['title', 'kind', 'year']);
  });

  it.each([
    ['{', 400, 'not-json'],
    [JSON.stringify({ title: 'x'.repeat(20_000) }), 413, 'too-large'],
  ])('refuses a body that cannot be read (%#)', async (body, status, code) => {
    const response = await running.call('/api/requests', { method: 'POST', token: await running.logIn(), body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it('changes the state of the own request', async () => {
    const token = await running.logIn();
    const created = await running.call('/api/requests', { method: 'POST', token, body: wish });
    const { id } = (await created.json()) as { id: string };
    const change = { method: 'PATCH', token, body: { state: 'fulfilled' } };
    expect(await (await running.call(`/api/requests/${id}`, change)).json()).toMatchObject({ state: 'fulfilled' });
    expect((await running.call('/api/requests/4711', change)).status).toBe(404);
  });
});
