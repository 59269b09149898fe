import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api, Refusal } from '../../src/api.js';

let server: Server;
let api: Api;
let seen: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[];
let answer: { status: number; body: string };

beforeEach(async () => {
  seen = [];
  answer = { status: 200, body: '{}' };
  server = createServer((request, response) => {
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  api = new Api(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(() => {
  server.close();
  server.closeAllConnections();
});

describe('Api', () => {
  it('searches with what is given only', async () => {
    answer.body = '{"media":[]}';
    await api.catalogue();
    await api.catalogue({ q: 'a & b', kind: 'film' });
    expect(seen.map((request) => request.url)).toEqual(['/api/media', '/api/media?q=a+%26+b&kind=film']);
  });

  it('sends the token after the login, and not before', async () => {
    answer.body = '{"media":[],"requests":[],"token":"t0ken"}';
    await api.catalogue();
    await api.logIn({ name: 'Ada', accessCode: 'x' });
    await api.requests();
    expect(seen.map((request) => request.headers.authorization)).toEqual([undefined, undefined, 'Bearer t0ken']);
  });

  it('tells issues in words', async () => {
    answer = {
      status: 422,
      body: '{"error":{"code":"invalid-body","message":"no","issues":[{"path":"year","message":"must be a whole number"}]}}',
    };
    const refusal = await api.ask({ title: 'x', kind: 'film', year: 1.5, note: undefined }).catch((e: unknown) => e);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ httpStatus: 422, message: 'year must be a whole number' });
  });

  it('tells the message where there are no issues', async () => {
    answer = { status: 403, body: '{"error":{"code":"wrong-code","message":"wrong code"}}' };
    await expect(api.logIn({ name: 'Ada', accessCode: 'x' })).rejects.toThrow('wrong code');
  });

  it("survives a proxy's own error page", async () => {
    answer = { status: 502, body: '<html>Bad Gateway</html>' };
    await expect(api.catalogue()).rejects.toThrow('the library does not answer (502)');
  });
});
