import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '../../src/app.js';
import { loadConfig, type LogLevel } from '../../src/config.js';
import { openCounters } from '../../src/counters.js';
import { createLogger } from '../../src/logger.js';
import { MemoryStore } from '../../src/store/memory.js';
import type { Store } from '../../src/store/store.js';
import { VARIABLES } from '../variables.js';

interface Init {
  method?: string;
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Running {
  url: string;
  logs: Record<string, unknown>[];
  call(path: string, init?: Init): Promise<Response>;
  logIn(name?: string): Promise<string>;
  stop(): Promise<void>;
}

/** The whole backend on a free port of this machine, over a store in memory. */
export async function start(
  variables: Record<string, string> = {},
  store: Store = new MemoryStore(),
  level: LogLevel = 'debug',
): Promise<Running> {
  const logs: Record<string, unknown>[] = [];
  const logger = createLogger(level, {}, (line) => logs.push(JSON.parse(line) as Record<string, unknown>));
  const config = loadConfig({ ...VARIABLES, ...variables });
  const counters = openCounters(config.counters, logger);
  const app = createApp({ config, store, counters, logger, build: { version: '9.9.9', sha: 'cafe123' } });
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const call: Running['call'] = (path, { method = 'GET', token, body, headers } = {}) =>
    fetch(url + path, {
      method,
      headers: {
        ...headers,
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  return {
    url,
    logs,
    call,
    async logIn(name = 'Ada') {
      const body = { name, accessCode: VARIABLES.ACCESS_CODE };
      const response = await call('/api/session', { method: 'POST', body });
      return ((await response.json()) as { token: string }).token;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      await counters.close();
    },
  };
}
