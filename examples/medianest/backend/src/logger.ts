import { LOG_LEVELS, type LogLevel } from './config.js';

export type Fields = Record<string, unknown>;

/** Writes one JSON object a line, so that a log store can index it. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Fields): void;
  child(fields: Fields): Logger;
}

type Write = (line: string) => void;

const SECRET_FIELD = /token|secret|password|authorization|code$/i;

export function createLogger(least: LogLevel, fields: Fields = {}, write: Write = toStdout): Logger {
  return {
    log(level, message, more = {}) {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
      const record = { time: new Date().toISOString(), level, message, ...fields, ...more };
      write(JSON.stringify(record, hide) + '\n');
    },
    child(more) {
      return createLogger(least, { ...fields, ...more }, write);
    },
  };
}

function toStdout(line: string): void {
  process.stdout.write(line);
}

/** Keeps secrets out by the name of their field, and makes errors readable. */
function hide(name: string, value: unknown): unknown {
  if (SECRET_FIELD.test(name) && typeof value === 'string') return '[hidden]';
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
  return value;
}
