// Looks whether what was built works: the backend starts and answers, the page and all it names are there and served.
// Prints one line per workspace and exits 1 where one of them does not hold.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const START_WITHIN_MS = 15_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a built server, waits until `url` answers, and lets `look` see it. */
async function whileRunning(script, env, url, look) {
  const path = join(root, script);
  if (!existsSync(path)) throw new Error(`${script} is missing`);
  const child = spawn(process.execPath, [path], { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
  const ended = once(child, 'exit');
  try {
    const deadline = Date.now() + START_WITHIN_MS;
    while (child.exitCode === null && Date.now() < deadline) {
      const answer = await fetch(url).catch(() => undefined);
      if (answer) return await look(answer);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${script} does not answer: ${printed.trim().split('\n').at(-1)}`);
  } finally {
    child.kill();
    await ended;
  }
}

async function backend() {
  const port = await freePort();
  const env = {
    PORT: String(port),
    STORE: 'memory',
    JWT_SECRET: 'v'.repeat(64),
    ENCRYPTION_KEY: '0'.repeat(64),
    ACCESS_CODE: 'v'.repeat(16),
    GIT_SHA: 'verify',
  };
  return whileRunning('backend/dist/index.js', env, `http://127.0.0.1:${port}/health`, async (answer) => {
    const health = await answer.json();
    if (answer.status !== 200 || health.state !== 'ok') throw new Error(`/health answers ${answer.status}`);
    if (health.version !== version) throw new Error(`/health says version ${health.version}, not ${version}`);
    return `starts, /health says ok, version ${version}`;
  });
}

async function frontend() {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const env = { FRONTEND_PORT: String(port), BACKEND_URL: 'http://127.0.0.1:9' };
  return whileRunning('frontend/dist/server/index.js', env, `${origin}/`, async (answer) => {
    const page = await answer.text();
    if (answer.status !== 200 || !page.includes('<h1>MediaNest</h1>')) throw new Error('the page is not served');
    const assets = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]);
    if (!assets.some((path) => path.endsWith('.js'))) throw new Error('the page names no script');
    for (const path of assets) {
      const served = await fetch(origin + path);
      if (served.status !== 200) throw new Error(`${path} answers ${served.status}`);
      if ((await served.arrayBuffer()).byteLength === 0) throw new Error(`${path} is empty`);
    }
    return `page served, ${assets.length} assets, ${statSync(join(root, 'frontend/dist/public/index.html')).size} bytes`;
  });
}

for (const [name, look] of [
  ['Backend', backend],
  ['Frontend', frontend],
]) {
  try {
    console.log(`${name} ✅ ${await look()}`);
  } catch (error) {
    console.log(`${name} ❌ ${error.message}`);
    process.exitCode = 1;
  }
}
