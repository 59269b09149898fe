import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    outDir: 'dist/public',
    emptyOutDir: true,
    // Names with a digest in them may be cached for good; see server/static.ts.
    assetsDir: 'assets',
  },
  resolve: {
    conditions: ['medianest-source', 'module', 'browser', 'development|production'],
  },
  server: {
    proxy: { '/api': process.env.BACKEND_URL ?? 'http://127.0.0.1:4000' },
  },
});
