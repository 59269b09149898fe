import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const shared = fileURLToPath(new URL('../shared/src/index.ts', import.meta.url));

// Against a real PostgreSQL that may be thrown away: DATABASE_URL=… npm run test:db
export default defineConfig({
  resolve: { alias: { '@medianest/shared': shared } },
  test: { include: ['test/db/**/*.test.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 },
});
