import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['**/dist/', '**/playwright-report/', '**/test-results/', 'coverage/', 'site/', '.gonogo/']),
  js.configs.recommended,
  tseslint.configs.recommended,
  {
    languageOptions: { globals: globals.node },
    rules: {
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  { files: ['frontend/src/**'], languageOptions: { globals: globals.browser } },
  { files: ['**/src/**'], ignores: ['backend/src/migrate-cli.ts'], rules: { 'no-console': 'error' } },
  { files: ['load-tests/**'], languageOptions: { globals: { __ENV: 'readonly' } } },
);
