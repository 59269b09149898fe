import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const shared = fileURLToPath(new URL('shared/src/index.ts', import.meta.url));

export default defineConfig({
  // Tests look at the sources of `shared`, not at what an earlier build left in its dist folder.
  resolve: { alias: { '@medianest/shared': shared } },
  test: {
    // A build machine may be busy: what hangs is found all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['shared/test/**/*.test.ts', '{backend,frontend}/test/unit/**/*.test.ts'] },
      },
      { extends: true, test: { name: 'api', include: ['{backend,frontend}/test/api/**/*.test.ts'] } },
    ],
    coverage: {
      provider: 'istanbul',
      // Every source file counts, whether or not a test ever loads it. The bound stands in the checklist.
      include: ['shared/src/**/*.ts', 'backend/src/**/*.ts', 'frontend/{src,server}/**/*.ts'],
      reporter: ['text-summary', ['json-summary', { file: 'coverage-results.json' }]],
      reportsDirectory: 'test-results',
    },
  },
});
