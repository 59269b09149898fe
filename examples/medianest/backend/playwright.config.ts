import { defineConfig } from '@playwright/test';

// Against a target that runs already: E2E_BASE_URL=https://… ACCESS_CODE=… npm run test:e2e:staging
const target = process.env.E2E_BASE_URL;

// This file is read again by every worker, which must meet the same port and code as the first reader.
const port = (process.env.E2E_PORT ??= String(20_000 + (process.pid % 10_000)));
if (!target) process.env.ACCESS_CODE = 'a-code-for-end-to-end-tests';
const own = `http://127.0.0.1:${port}`;

export default defineConfig({
  testDir: 'e2e',
  // What only a target has: a frontend in front, and a release that it was given.
  testIgnore: target ? [] : ['target.spec.ts'],
  outputDir: 'test-results',
  forbidOnly: true,
  retries: 0,
  workers: 2,
  // A build machine may be busy, and a target far away.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list'], ['html', { open: 'never', outputFolder: 'playwright-report' }]],
  use: { baseURL: target ?? own },
  ...(target
    ? {}
    : {
        webServer: {
          // What was built is what is tested; `npm run test:e2e` refuses a build of other sources.
          command: 'node dist/index.js',
          url: `${own}/health`,
          timeout: 60_000,
          reuseExistingServer: false,
          stdout: 'ignore',
          env: {
            PORT: port,
            STORE: 'memory',
            LOG_LEVEL: 'warn',
            JWT_SECRET: 'end-to-end-tests-only-'.repeat(2),
            ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
            RATE_LIMIT_PER_MINUTE: '600',
            GIT_SHA: 'e2e',
          },
        },
      }),
});
