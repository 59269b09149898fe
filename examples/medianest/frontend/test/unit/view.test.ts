import { describe, expect, it } from 'vitest';
import { catalogueRows, emptyText, readRequestForm, requestRows } from '../../src/view.js';

const form = (fields: Record<string, string>) => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
};

describe('catalogueRows', () => {
  it('says title, kind and year', () => {
    const rows = catalogueRows([{ id: '1', title: '<b>Metropolis</b>', kind: 'film', year: 1927 }]);
    expect(rows).toEqual([{ title: '<b>Metropolis</b>', detail: 'film, 1927', badge: '' }]);
  });
});

describe('requestRows', () => {
  const request = {
    id: '1',
    title: 'Nosferatu',
    kind: 'film',
    year: 1922,
    note: '',
    requestedBy: 'Ada',
    state: 'open',
    createdAt: '2025-09-12T10:00:00.000Z',
  } as const;

  it('shows the state, and the note where there is one', () => {
    expect(requestRows([request, { ...request, note: 'soon', state: 'fulfilled' }])).toEqual([
      { title: 'Nosferatu', detail: 'film, 1922', badge: 'open' },
      { title: 'Nosferatu', detail: 'film, 1922: soon', badge: 'fulfilled' },
    ]);
  });
});

describe('emptyText', () => {
  it('differs by list', () => {
    expect(emptyText('catalogue')).not.toBe(emptyText('requests'));
  });
});

describe('readRequestForm', () => {
  it('reads numbers from text and leaves an empty note out', () => {
    expect(readRequestForm(form({ title: ' Nosferatu ', kind: 'film', year: '1922', note: '' }))).toEqual({
      ok: true,
      value: { title: 'Nosferatu', kind: 'film', year: 1922, note: undefined },
    });
  });

  it('refuses what the backend would refuse', () => {
    const parsed = readRequestForm(form({ title: 'Nosferatu', kind: 'film', year: 'long ago' }));
    expect(parsed).toEqual({ ok: false, issues: [{ path: 'year', message: 'must be a whole number' }] });
  });
});
