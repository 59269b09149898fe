import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFrontend } from './app.js';

const { BACKEND_URL, FRONTEND_HOST = '127.0.0.1', FRONTEND_PORT = '8080', GIT_SHA = 'unknown' } = process.env;
const version = process.env.APP_VERSION || ownVersion();
const log = (level: string, message: string, fields: object = {}) =>
  process.stdout.write(
    JSON.stringify({ time: new Date().toISOString(), level, message, app: 'medianest-frontend', ...fields }) + '\n',
  );

if (!BACKEND_URL || !URL.canParse(BACKEND_URL)) {
  log('error', 'cannot start', { problems: ['BACKEND_URL is not a URL'] });
  process.exit(78);
}

const root = fileURLToPath(new URL('../public', import.meta.url));
const server = createFrontend({ root, backend: new URL(BACKEND_URL), sha: GIT_SHA, version });

server.on('error', (error) => {
  log('error', 'cannot listen', { error: error.message });
  process.exit(1);
});
server.listen(Number(FRONTEND_PORT), FRONTEND_HOST, () => log('info', 'listening', { address: server.address() }));

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    log('info', 'stopping', { signal });
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

function ownVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
