import {
  createServer,
  request as callBackend,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { fileFor, sendFile, sendPage } from './static.js';

export interface FrontendConfig {
  root: string;
  backend: URL;
  sha: string;
  version: string;
}

const HEADERS = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The page, and in front of the backend: what is not the page's own goes there. `/metrics` stays inside. */
export function createFrontend(config: FrontendConfig): Server {
  return createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.setHeader('x-release', config.sha);
    const path = (request.url ?? '/').split('?')[0]!;
    if (path === '/health' || path.startsWith('/api/')) forward(config.backend, request, response);
    else serve(config, path, request, response);
  });
}

function serve(config: FrontendConfig, path: string, request: IncomingMessage, response: ServerResponse): void {
  const file = fileFor(config.root, path);
  if (request.method !== 'GET' && request.method !== 'HEAD') plain(response, 405, 'method not allowed');
  else if (!file) plain(response, 404, 'not found');
  else if (file.endsWith('.html')) sendPage(file, { RELEASE: config.sha, VERSION: config.version }, response);
  else sendFile(file, response);
}

function forward(backend: URL, request: IncomingMessage, response: ServerResponse): void {
  const client = request.socket.remoteAddress ?? '';
  const before = request.headers['x-forwarded-for'];
  const headers = {
    ...request.headers,
    host: backend.host,
    'x-forwarded-for': before ? `${String(before)}, ${client}` : client,
  };
  const call = callBackend(new URL(request.url ?? '/', backend), { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  call.on('error', () => {
    if (response.headersSent) response.destroy();
    else plain(response, 502, 'the backend does not answer');
  });
  response.on('close', () => call.destroy());
  request.pipe(call);
}

function plain(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${words}\n`);
}
