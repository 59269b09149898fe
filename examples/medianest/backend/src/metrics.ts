import type { RequestHandler } from 'express';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { BuildInfo } from './build-info.js';

export interface Metrics {
  registry: Registry;
  requestsCreated: Counter<'kind'>;
  observe: RequestHandler;
}

type Pinged = Record<string, { ping(): Promise<boolean> }>;

export function createMetrics(build: BuildInfo, dependencies: Pinged): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'medianest_build_info',
    help: 'Always 1; version and commit of what is running',
    labelNames: ['version', 'sha'],
    registers: [registry],
  }).set({ version: build.version, sha: build.sha }, 1);
  new Gauge({
    name: 'medianest_dependency_up',
    help: '1 where the last look found it in reach, else 0',
    labelNames: ['dependency'],
    registers: [registry],
    async collect() {
      for (const [dependency, one] of Object.entries(dependencies)) this.set({ dependency }, Number(await one.ping()));
    },
  });
  const requestsCreated = new Counter({
    name: 'medianest_requests_created_total',
    help: 'Media requests that members made',
    labelNames: ['kind'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  return { registry, requestsCreated, observe: observeWith(duration) };
}

/** Labels by route, never by path: a path with ids in it would grow a series for every request. */
function observeWith(duration: Histogram<'method' | 'route' | 'status'>): RequestHandler {
  return (request, response, next) => {
    const stop = duration.startTimer({ method: request.method });
    response.on('finish', () => {
      const route = request.route as { path?: string } | undefined;
      stop({ route: route?.path ? request.baseUrl + route.path : 'unmatched', status: response.statusCode });
    });
    next();
  };
}
