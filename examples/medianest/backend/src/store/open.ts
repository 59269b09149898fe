import type { StoreConfig } from '../config.js';
import type { Logger } from '../logger.js';
import { MemoryStore } from './memory.js';
import { PostgresStore } from './postgres.js';
import type { Store } from './store.js';

export function openStore(config: StoreConfig, logger: Logger): Store {
  if (config.kind === 'postgres') {
    return new PostgresStore(config.url, (error) => logger.log('error', 'idle database connection lost', { error }));
  }
  logger.log('warn', 'the store is in memory: requests are lost when this process ends');
  return new MemoryStore();
}
