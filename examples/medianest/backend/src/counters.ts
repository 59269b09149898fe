import { createClient } from '@redis/client';
import { MemoryStore, type IncrementResponse, type Options, type Store } from 'express-rate-limit';
import type { CountersConfig } from './config.js';
import type { Logger } from './logger.js';

/** Who keeps count of calls for the rate limits, and whether it can be reached. */
export interface Counters {
  readonly kind: 'memory' | 'redis';
  /** One set of counts; undefined leaves the counting to each limit by itself. */
  store(name: string): Store | undefined;
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

const memoryCounters: Counters = {
  kind: 'memory',
  store: () => undefined,
  ping: async () => true,
  close: async () => undefined,
};

export function openCounters(config: CountersConfig, logger: Logger): Counters {
  return config.kind === 'redis' ? redisCounters(config.url, logger) : memoryCounters;
}

type Client = ReturnType<typeof clientFor>;

/** Calls are refused at once while there is no connection, so that no request waits for Redis. */
function clientFor(url: string) {
  return createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: 2000 } });
}

function redisCounters(url: string, logger: Logger): Counters {
  const client = clientFor(url);
  let lost = false;
  client.on('error', (error: Error) => {
    if (!lost) logger.log('warn', 'redis is out of reach: every process counts for itself', { error });
    lost = true;
  });
  client.on('ready', () => {
    if (lost) logger.log('info', 'redis is back');
    lost = false;
  });
  client.connect().catch(() => undefined);
  return {
    kind: 'redis',
    store: (name) => new SharedCounts(client, `medianest:${name}:`),
    ping: async () => {
      try {
        return client.isReady && (await client.ping()) === 'PONG';
      } catch {
        return false;
      }
    },
    close: async () => client.destroy(),
  };
}

/** Counts in Redis, shared by all processes; while it is out of reach, this process counts its own calls. */
export class SharedCounts implements Store {
  private windowMs = 60_000;
  private readonly own = new MemoryStore();

  constructor(
    private readonly client: Client,
    readonly prefix: string,
  ) {}

  init(options: Options): void {
    this.windowMs = options.windowMs;
    this.own.init(options);
  }

  async increment(caller: string): Promise<IncrementResponse> {
    if (!this.client.isReady) return this.own.increment(caller);
    const key = this.prefix + caller;
    try {
      const [hits, , left] = await this.client
        .multi()
        .incr(key)
        .pExpire(key, this.windowMs, 'NX')
        .pTTL(key)
        .execTyped();
      return { totalHits: hits, resetTime: new Date(Date.now() + left) };
    } catch {
      return this.own.increment(caller);
    }
  }

  async decrement(caller: string): Promise<void> {
    await this.client.decr(this.prefix + caller);
  }

  async resetKey(caller: string): Promise<void> {
    await this.client.del(this.prefix + caller);
  }
}
