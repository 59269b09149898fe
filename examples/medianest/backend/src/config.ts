/** Everything the backend may be told, and nothing else: from variables only, checked once, at the start. */
export interface Config {
  host: string;
  port: number;
  logLevel: LogLevel;
  store: StoreConfig;
  jwtSecret: Uint8Array;
  encryptionKey: Uint8Array;
  accessCode: string;
  rateLimitPerMinute: number;
  counters: CountersConfig;
  trustedProxies: number;
  sha: string;
  /** Empty: the version of package.json. */
  version: string;
}

export type StoreConfig = { kind: 'memory' } | { kind: 'postgres'; url: string };
export type CountersConfig = { kind: 'memory' } | { kind: 'redis'; url: string };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** All that is wrong with the variables, in one go. Never holds a value: values may be secrets. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`configuration: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

type Variables = Record<string, string | undefined>;

class Reader {
  readonly problems: string[] = [];

  constructor(private readonly variables: Variables) {}

  text(name: string, fallback?: string): string {
    const value = this.variables[name]?.trim() || fallback;
    if (value === undefined) this.problems.push(`${name} is not set`);
    return value ?? '';
  }

  optional(name: string): string {
    return this.variables[name]?.trim() ?? '';
  }

  secret(name: string, shortest: number): string {
    const value = this.text(name);
    if (value.includes('<') || /^change-?me/i.test(value)) this.problems.push(`${name} is a placeholder`);
    else if (value !== '' && value.length < shortest) {
      this.problems.push(`${name} has fewer than ${shortest} characters`);
    }
    return value;
  }

  whole(name: string, fallback: number, { min, max }: { min: number; max: number }): number {
    const value = Number(this.text(name, String(fallback)));
    if (!Number.isInteger(value) || value < min || value > max) {
      this.problems.push(`${name} must be a whole number from ${min} to ${max}`);
    }
    return value;
  }

  word<const W extends readonly string[]>(name: string, words: W, fallback?: W[number]): W[number] {
    const value = this.text(name, fallback);
    if (value !== '' && !words.includes(value)) this.problems.push(`${name} must be one of ${words.join(', ')}`);
    return value as W[number];
  }
}

/** Reads the variables; throws a `ConfigError` that names every problem. */
export function loadConfig(variables: Variables): Config {
  const read = new Reader(variables);
  const config: Config = {
    host: read.text('HOST', '127.0.0.1'),
    port: read.whole('PORT', 4000, { min: 0, max: 65535 }),
    logLevel: read.word('LOG_LEVEL', LOG_LEVELS, 'info'),
    store: readStore(read),
    jwtSecret: new TextEncoder().encode(read.secret('JWT_SECRET', 32)),
    encryptionKey: readKey(read),
    accessCode: read.secret('ACCESS_CODE', 12),
    rateLimitPerMinute: read.whole('RATE_LIMIT_PER_MINUTE', 120, { min: 1, max: 1_000_000 }),
    counters: readCounters(read),
    trustedProxies: read.whole('TRUSTED_PROXIES', 0, { min: 0, max: 10 }),
    sha: read.text('GIT_SHA', 'unknown'),
    version: read.optional('APP_VERSION'),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

/** The store is chosen by name: a forgotten DATABASE_URL must not end in a store that forgets everything. */
function readStore(read: Reader): StoreConfig {
  const kind = read.word('STORE', ['memory', 'postgres'] as const);
  return kind === 'postgres' ? { kind, url: read.secret('DATABASE_URL', 1) } : { kind: 'memory' };
}

function readCounters(read: Reader): CountersConfig {
  const kind = read.word('RATE_LIMIT_STORE', ['memory', 'redis'] as const, 'memory');
  return kind === 'redis' ? { kind, url: read.secret('REDIS_URL', 1) } : { kind };
}

function readKey(read: Reader): Uint8Array {
  const before = read.problems.length;
  const text = read.secret('ENCRYPTION_KEY', 64);
  if (read.problems.length === before && !/^[0-9a-f]{64}$/i.test(text)) {
    read.problems.push('ENCRYPTION_KEY must be 64 hexadecimal digits');
  }
  return Buffer.from(text, 'hex');
}
