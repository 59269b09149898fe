import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as rawRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFrontend } from '../../server/app.js';
import { fileFor } from '../../server/static.js';

const directory = mkdtempSync(join(tmpdir(), 'frontend-'));
const root = join(directory, 'public');
let backend: Server;
let frontend: Server;
let url: string;

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  mkdirSync(join(root, 'assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), '<h1>MediaNest</h1>__VERSION__ (__RELEASE__) __OTHER__');
  writeFileSync(join(root, 'assets', 'main-1234.js'), 'export {};');
  writeFileSync(join(directory, 'secret.txt'), 'outside');
  backend = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      const body = Buffer.concat(chunks).toString();
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ method, path, body, forwarded: headers['x-forwarded-for'] }));
    });
  });
  frontend = createFrontend({ root, backend: new URL(await listen(backend)), sha: 'cafe123', version: '<9>' });
  url = await listen(frontend);
});

afterAll(() => {
  for (const server of [frontend, backend]) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(directory, { recursive: true });
});

describe('the page', () => {
  it('is served with its release and a strict policy', async () => {
    const response = await fetch(`${url}/`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('<h1>MediaNest</h1>&#60;9&#62; (cafe123) __OTHER__');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(response.headers.get('x-release')).toBe('cafe123');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(response.headers.get('cache-control')).toBe('no-cache');
  });

  it('may keep assets for good: their names change with their content', async () => {
    const response = await fetch(`${url}/assets/main-1234.js`);
    expect(response.headers.get('content-type')).toContain('text/javascript');
    expect(response.headers.get('cache-control')).toContain('immutable');
  });

  it('is nothing but its files', async () => {
    expect((await fetch(`${url}/missing.js`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect((await fetch(`${url}/`, { method: 'DELETE' })).status).toBe(405);
  });

  it('never leads outside', async () => {
    expect(fileFor(root, '/../secret.txt')).toBeUndefined();
    expect(fileFor(root, '/%2e%2e/secret.txt')).toBeUndefined();
    expect(fileFor(root, '/%E0%A4%A')).toBeUndefined();
    expect(fileFor(root, '/index.html%00.js')).toBeUndefined();
    // fetch tidies paths up; a raw request does not.
    const call = rawRequest(url, { path: '/../secret.txt' }).end();
    const [response] = (await once(call, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(404);
  });
});

describe('what is not its own', () => {
  it('goes to the backend, body and caller included', async () => {
    const response = await fetch(`${url}/api/requests?x=1`, { method: 'POST', body: '{"title":"x"}' });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      method: 'POST',
      path: '/api/requests?x=1',
      body: '{"title":"x"}',
      forwarded: expect.stringContaining('127.0.0.1') as string,
    });
  });

  it('is a 502 where the backend does not answer', async () => {
    const gone = createServer();
    const target = new URL(await listen(gone));
    gone.close();
    await once(gone, 'close');
    const alone = createFrontend({ root, backend: target, sha: 'x', version: '1' });
    const response = await fetch(`${await listen(alone)}/health`);
    expect(response.status).toBe(502);
    alone.close();
    alone.closeAllConnections();
  });
});
