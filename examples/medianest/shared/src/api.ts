import type { Issue } from './schema.js';

/** Answer of `GET /health`. */
export interface Health {
  state: 'ok' | 'degraded';
  version: string;
  sha: string;
  store: { kind: string; reachable: boolean };
  rateLimit: { kind: string; reachable: boolean };
  uptimeSeconds: number;
}

/** Body of every answer that is not a success. */
export interface Problem {
  error: { code: string; message: string; issues?: Issue[] };
}
