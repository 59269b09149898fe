import { describe, expect, it } from 'vitest';
import { integer, object, oneOf, optional, text } from '../src/index.js';

const issuesOf = (parsed: { ok: boolean; issues?: unknown }) => (parsed.ok ? [] : parsed.issues);

describe('text', () => {
  it('trims', () => {
    expect(text().parse('  Metropolis ')).toEqual({ ok: true, value: 'Metropolis' });
  });

  it.each([
    [42, 'must be text'],
    ['   ', 'must not be empty'],
    ['x'.repeat(201), 'must have at most 200 characters'],
  ])('refuses %j', (input, message) => {
    expect(text().parse(input, 'title')).toEqual({ ok: false, issues: [{ path: 'title', message }] });
  });

  it('names the least length where it is more than one', () => {
    expect(issuesOf(text({ min: 2 }).parse('a'))).toEqual([{ path: '', message: 'must have at least 2 characters' }]);
  });
});

describe('integer', () => {
  const year = integer({ min: 1800, max: 2100 });

  it.each([1800, 1927, 2100])('takes %d', (value) => {
    expect(year.parse(value)).toEqual({ ok: true, value });
  });

  it.each([1799, 2101])('refuses %d, out of bounds', (value) => {
    expect(issuesOf(year.parse(value))).toEqual([{ path: '', message: 'must lie between 1800 and 2100' }]);
  });

  it.each(['1927', 1927.5, Number.NaN, null])('refuses %j, not a whole number', (value) => {
    expect(issuesOf(year.parse(value))).toEqual([{ path: '', message: 'must be a whole number' }]);
  });
});

describe('oneOf', () => {
  it('takes its words and no other', () => {
    const kind = oneOf(['film', 'book']);
    expect(kind.parse('book')).toEqual({ ok: true, value: 'book' });
    expect(issuesOf(kind.parse('Film'))).toEqual([{ path: '', message: 'must be one of film, book' }]);
  });
});

describe('optional', () => {
  it.each([undefined, null])('takes %j for nothing', (input) => {
    expect(optional(text()).parse(input)).toEqual({ ok: true, value: undefined });
  });

  it('still checks what is there', () => {
    expect(optional(text()).parse(7).ok).toBe(false);
  });
});

describe('object', () => {
  const inner = object({ name: text() });
  const outer = object({ who: inner, age: optional(integer({ min: 0, max: 150 })) });

  it('reads nested fields', () => {
    expect(outer.parse({ who: { name: ' Ada ' } })).toEqual({ ok: true, value: { who: { name: 'Ada' } } });
  });

  it('tells every issue at once, each with its path', () => {
    expect(issuesOf(outer.parse({ who: { name: '', nmae: 'Ada' }, age: -1 }))).toEqual([
      { path: 'who.nmae', message: 'is not known here' },
      { path: 'who.name', message: 'must not be empty' },
      { path: 'age', message: 'must lie between 0 and 150' },
    ]);
  });

  it.each([null, [], 'x'])('refuses %j', (input) => {
    expect(issuesOf(outer.parse(input))).toEqual([{ path: '', message: 'must be an object' }]);
  });

  it('does not take an inherited name for a field', () => {
    expect(issuesOf(inner.parse({ name: 'Ada', constructor: 1 }))).toEqual([
      { path: 'constructor', message: 'is not known here' },
    ]);
  });
});
