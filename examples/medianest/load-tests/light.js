// A light look at speed: BASE_URL=http://127.0.0.1:4000 npm run load-test:light
// Raise RATE_LIMIT_PER_MINUTE on the target for it, else the limit is what gets measured.
import { check, sleep } from 'k6';
import http from 'k6/http';

const base = __ENV.BASE_URL || 'http://127.0.0.1:4000';

export const options = {
  vus: 8, // 1,500 requests: a comparison with earlier releases needs 1,000
  duration: '20s',
  summaryTrendStats: ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)'],
  thresholds: {
    http_req_failed: ['rate<0.01'],
    http_req_duration: ['p(95)<300'],
    checks: ['rate>0.99'],
  },
};

export default function () {
  const health = http.get(`${base}/health`, { tags: { endpoint: 'health' } });
  check(health, { 'health is ok': (response) => response.status === 200 && response.json('state') === 'ok' });
  const media = http.get(`${base}/api/media?q=the`, { tags: { endpoint: 'search' } });
  check(media, { 'catalogue answers': (response) => response.status === 200 && response.json('media').length > 0 });
  sleep(0.2);
}
