// An application to watch: answers slowly as its release says, exposes metrics, logs one line for each request.
const fs = require('node:fs')
const http = require('node:http')

const { delay } = JSON.parse(fs.readFileSync('/release.json', 'utf8'))
const sha = process.env.GIT_SHA
const began = Date.now() / 1000
const said = { broken: 0, seconds: 0, count: 0 }

const metrics = () =>
  [
    `app_build_info{git_sha="${sha}"} 1`,
    `process_start_time_seconds ${began}`,
    `broken_switch ${said.broken}`,
    'waiting_switch 0',
    `http_seconds_sum ${said.seconds}`,
    `http_seconds_count ${said.count}`,
    '',
  ].join('\n')

const work = (answer) => {
  const from = process.hrtime.bigint()
  setTimeout(() => {
    said.seconds += Number(process.hrtime.bigint() - from) / 1e9
    said.count += 1
    answer.end('done')
  }, delay)
}

const server = http.createServer((request, answer) => {
  if (request.url === '/metrics') return answer.setHeader('Content-Type', 'text/plain').end(metrics())
  if (request.url === '/work') return work(answer)
  if (request.url.startsWith('/switch/')) said.broken = request.url === '/switch/on' ? 1 : 0
  const id = request.headers['x-request-id']
  fs.appendFileSync('/logs/app.log', JSON.stringify({ level: 'info', path: request.url, requestId: id }) + '\n')
  return answer.setHeader('Content-Type', 'application/json').end(JSON.stringify({ sha }))
})
process.on('SIGTERM', () => process.exit(0))
server.listen(8080)
