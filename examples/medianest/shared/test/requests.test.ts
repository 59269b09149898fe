import { describe, expect, it } from 'vitest';
import { credentials, newRequest } from '../src/index.js';

describe('newRequest', () => {
  it('takes a wish without a note', () => {
    const parsed = newRequest.parse({ title: 'Nosferatu', kind: 'film', year: 1922 });
    expect(parsed).toEqual({ ok: true, value: { title: 'Nosferatu', kind: 'film', year: 1922 } });
  });

  it('refuses a kind nobody keeps', () => {
    expect(newRequest.parse({ title: 'Nosferatu', kind: 'game', year: 1922 }).ok).toBe(false);
  });

  it('refuses a state: members do not fulfil their own wishes while asking', () => {
    expect(newRequest.parse({ title: 'Nosferatu', kind: 'film', year: 1922, state: 'fulfilled' }).ok).toBe(false);
  });
});

describe('credentials', () => {
  it('needs a name and a code', () => {
    expect(credentials.parse({ name: 'Ada', accessCode: 'x' }).ok).toBe(true);
    expect(credentials.parse({ name: 'A', accessCode: '' })).toMatchObject({
      ok: false,
      issues: [{ path: 'name' }, { path: 'accessCode' }],
    });
  });
});
