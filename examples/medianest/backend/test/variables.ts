/** A full set of variables; the secrets are made up for tests. */
export const VARIABLES = {
  STORE: 'memory',
  JWT_SECRET: 'j'.repeat(64),
  ENCRYPTION_KEY: 'ab'.repeat(32),
  ACCESS_CODE: 'a-code-for-tests',
};
