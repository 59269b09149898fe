/** A value that does not fit, and where: `year`, `items.0.title`. */
export interface Issue {
  path: string;
  message: string;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; issues: Issue[] };

/** Reads unknown input as `T`, or says everything that is wrong with it at once. */
export interface Schema<T> {
  parse(input: unknown, path?: string): Parsed<T>;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

const good = <T>(value: T): Parsed<T> => ({ ok: true, value });
const bad = (path: string, message: string): Parsed<never> => ({
  ok: false,
  issues: [{ path, message }],
});

/** Text, trimmed, of `min` to `max` characters. */
export function text({ min = 1, max = 200 }: { min?: number; max?: number } = {}): Schema<string> {
  return {
    parse(input, path = '') {
      if (typeof input !== 'string') return bad(path, 'must be text');
      const value = input.trim();
      if (value.length < min)
        return bad(path, min === 1 ? 'must not be empty' : `must have at least ${min} characters`);
      if (value.length > max) return bad(path, `must have at most ${max} characters`);
      return good(value);
    },
  };
}

/** A whole number from `min` to `max`. */
export function integer({ min, max }: { min: number; max: number }): Schema<number> {
  return {
    parse(input, path = '') {
      if (typeof input !== 'number' || !Number.isInteger(input)) return bad(path, 'must be a whole number');
      if (input < min || input > max) return bad(path, `must lie between ${min} and ${max}`);
      return good(input);
    },
  };
}

/** One of a few words. */
export function oneOf<const W extends readonly string[]>(words: W): Schema<W[number]> {
  return {
    parse(input, path = '') {
      if (typeof input === 'string' && words.includes(input)) return good(input as W[number]);
      return bad(path, `must be one of ${words.join(', ')}`);
    },
  };
}

/** The same, or nothing at all. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return {
    parse(input, path = '') {
      return input === undefined || input === null ? good(undefined) : schema.parse(input, path);
    },
  };
}

type Fields = Record<string, Schema<unknown>>;
type ObjectOf<F extends Fields> = { [K in keyof F]: Infer<F[K]> };

/** An object of exactly these fields; an unknown field is refused, so that a typing error is not lost. */
export function object<F extends Fields>(fields: F): Schema<ObjectOf<F>> {
  return {
    parse(input, path = '') {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) return bad(path, 'must be an object');
      const record = input as Record<string, unknown>;
      const issues: Issue[] = [];
      const value: Record<string, unknown> = {};
      const at = (name: string) => (path === '' ? name : `${path}.${name}`);
      for (const name of Object.keys(record)) {
        if (!Object.hasOwn(fields, name)) issues.push({ path: at(name), message: 'is not known here' });
      }
      for (const [name, schema] of Object.entries(fields)) {
        const parsed = schema.parse(record[name], at(name));
        if (parsed.ok) value[name] = parsed.value;
        else issues.push(...parsed.issues);
      }
      return issues.length > 0 ? { ok: false, issues } : good(value as ObjectOf<F>);
    },
  };
}
