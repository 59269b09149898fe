import { createApp } from './app.js';
import { buildInfo } from './build-info.js';
import { ConfigError, loadConfig, type Config } from './config.js';
import { openCounters } from './counters.js';
import { createLogger } from './logger.js';
import { openStore } from './store/open.js';

const STOP_WITHIN_MS = 10_000;

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger('error').log('error', 'cannot start', { problems: error.problems });
    process.exit(78);
  }
}

const config = readConfig();
const build = buildInfo(config.sha, config.version);
const logger = createLogger(config.logLevel, { app: 'medianest-backend', ...build });
const store = openStore(config.store, logger);
const counters = openCounters(config.counters, logger);
const app = createApp({ config, store, counters, logger, build });

// Express calls back on a failed listen as well: without this look, a taken port would be logged as a start.
const server = app.listen(config.port, config.host, (error?: Error) => {
  if (error) {
    logger.log('error', 'cannot listen', { error });
    process.exit(1);
  }
  logger.log('info', 'listening', { address: server.address() });
});

function stop(signal: NodeJS.Signals): void {
  logger.log('info', 'stopping', { signal });
  setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
  server.close(() => {
    void Promise.all([store.close(), counters.close()]).then(() => process.exit(0));
  });
  server.closeIdleConnections();
}

process.once('SIGTERM', stop);
process.once('SIGINT', stop);
