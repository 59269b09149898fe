import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.js';

function recording(level: 'debug' | 'info' | 'warn' | 'error') {
  const lines: string[] = [];
  return { lines, logger: createLogger(level, { app: 'test' }, (line) => lines.push(line)) };
}

describe('createLogger', () => {
  it('writes one JSON object a line', () => {
    const { lines, logger } = recording('info');
    logger.child({ requestId: '1' }).log('info', 'two\nlines', { status: 200 });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'info',
      message: 'two\nlines',
      app: 'test',
      requestId: '1',
      status: 200,
    });
  });

  it('keeps quiet below its level', () => {
    const { lines, logger } = recording('warn');
    logger.log('info', 'no');
    logger.log('error', 'yes');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['yes']);
  });

  it('hides secrets by the name of their field, and shows errors', () => {
    const { lines, logger } = recording('info');
    logger.log('error', 'failed', {
      error: new TypeError('broken'),
      headers: { authorization: 'Bearer abc' },
      accessCode: 'x',
    });
    const record = JSON.parse(lines[0]!);
    expect(record.error).toMatchObject({ name: 'TypeError', message: 'broken' });
    expect(record.headers.authorization).toBe('[hidden]');
    expect(record.accessCode).toBe('[hidden]');
  });
});
