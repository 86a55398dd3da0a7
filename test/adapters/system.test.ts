import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from '@jest/globals';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { PrometheusMetrics } from '../../src/adapters/system/prometheus-metrics.js';
import { SystemClock } from '../../src/adapters/system/system-clock.js';
import { SystemIds } from '../../src/adapters/system/system-ids.js';
import { counters, createTally } from '../../src/ports/runtime.js';
import { SignalingError } from '../../src/protocol/errors.js';

describe('SystemClock', () => {
  const clock = new SystemClock();
  const refTimers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  test('calls what is due, but not what was called off, and keeps nothing alive meanwhile', async () => {
    const calls: string[] = [];
    const before = refTimers();
    const callOff = clock.after(1, () => calls.push('off'));
    const due = new Promise<void>((resolve) => {
      clock.after(1, () => {
        calls.push('due');
        resolve();
      });
    });
    expect(refTimers()).toBe(before);
    callOff();
    callOff();
    // The clock's timers do not keep the process alive; this one does until they have run.
    const alive = setInterval(() => undefined, 1000);
    await due;
    clearInterval(alive);
    expect(calls).toEqual(['due']);
  });

  test('[K9] what a timer does is no part of the trace in which it was set', async () => {
    const traces = new AsyncLocalStorage<string>();
    const alive = setInterval(() => undefined, 1000);
    const seen = await traces.run(
      'a join',
      () =>
        new Promise((resolve) => {
          clock.after(1, () => {
            resolve(traces.getStore());
          });
        }),
    );
    clearInterval(alive);
    expect(seen).toBeUndefined();
  });
});

describe('SystemIds', () => {
  const ids = new SystemIds();

  test.each([1, 6, 7, 8, 32])('makes %i lower-case hex digits', (digits) => {
    expect(ids.hex(digits)).toMatch(new RegExp(`^[0-9a-f]{${String(digits)}}$`));
  });

  test('makes URL-safe names of 21 characters, each another', () => {
    const names = Array.from({ length: 1000 }, () => ids.name());
    for (const name of names) expect(name).toMatch(/^[\w-]{21}$/);
    expect(new Set(names).size).toBe(1000);
  });
});

describe('PinoLogger', () => {
  function open(level = 'debug') {
    const lines: string[] = [];
    const logger = new PinoLogger({ level, stream: { write: (line: string) => void lines.push(line) } });
    return { logger, read: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>), lines };
  }

  test('writes one JSON line an event, with its level, time and fields', () => {
    const { logger, read } = open();
    logger.info('room_created', { room: 'a1', count: 2 });
    expect(read()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        event: 'room_created',
        room: 'a1',
        count: 2,
      },
    ]);
  });

  test('writes no line below its level', () => {
    const { logger, read } = open('warn');
    logger.debug('a');
    logger.info('b');
    logger.warn('c');
    logger.error('d');
    expect(read().map(({ event, level }) => [event, level])).toEqual([
      ['c', 'warn'],
      ['d', 'error'],
    ]);
  });

  test('writes the name, code and text of an error and of its causes', () => {
    const { logger, read } = open();
    const cause = new AggregateError([new TypeError('inner')], 'outer');
    logger.error('failed', { error: new SignalingError('STORE_UNAVAILABLE', undefined, { cause }) });
    expect(read()[0]).toMatchObject({
      error: {
        name: 'SignalingError',
        code: 'STORE_UNAVAILABLE',
        stack: expect.stringContaining('system.test'),
        cause: {
          name: 'AggregateError',
          message: 'outer',
          errors: [{ name: 'TypeError', message: 'inner' }],
        },
      },
    });
  });

  test('leaves out what a vendor hung on its error, and survives one that contains itself', () => {
    const { logger, lines } = open();
    const error: Error & { request?: unknown } = new Error('vendor');
    error.request = { headers: { authorization: 'Bearer very-secret' } };
    error.cause = error;
    logger.error('failed', { error });
    logger.error('failed', { error: { token: 'very-secret' } });
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toContain('very-secret');
  });

  test('does not write secrets, should one be passed', () => {
    const { logger, lines } = open();
    const smuggled: object = {
      token: 'very-secret',
      id_token: 'very-secret',
      sdp: 'very-secret',
      payload: { text: 'very-secret' },
      unheardOf: { deep: 'very-secret' },
    };
    logger.info('oops', smuggled);
    expect(lines).toHaveLength(1);
    expect(lines.join('')).not.toContain('very-secret');
    expect(lines.join('')).toContain('[redacted]');
  });
});

describe('PrometheusMetrics', () => {
  const gauges = { connections: 3, links: 2, rooms: [{ labels: { mode: 'P2P' }, value: 1 }] };

  test('shows each counter of the tally as it stands when it is read', async () => {
    const tally = createTally();
    const metrics = new PrometheusMetrics(tally, () => gauges);
    tally.kicks += 1;
    await metrics.render();
    tally.kicks += 1;
    const { text } = await metrics.render();
    expect(text).toContain('signaling_kicks_total 2\n');
    for (const [name, help] of Object.entries(counters)) {
      expect(text).toContain(
        `# HELP signaling_${name}_total ${help}\n# TYPE signaling_${name}_total counter\n`,
      );
    }
  });

  test('shows the gauges as they stand when it is read, and the process itself', async () => {
    const now = { ...gauges };
    const metrics = new PrometheusMetrics(createTally(), () => now);
    now.links = 7;
    const { text, contentType } = await metrics.render();
    expect(text).toContain('signaling_connections 3\n');
    expect(text).toContain('signaling_links 7\n');
    expect(text).toContain('signaling_rooms{mode="P2P"} 1\n');
    expect(text).toContain('process_cpu_seconds_total');
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  test('lets two live in one process', async () => {
    const [one, two] = [createTally(), createTally()];
    const metrics = [one, two].map((tally) => new PrometheusMetrics(tally, () => gauges));
    two.kicks = 5;
    const texts = await Promise.all(metrics.map(async (each) => (await each.render()).text));
    expect(texts[0]).toContain('signaling_kicks_total 0\n');
    expect(texts[1]).toContain('signaling_kicks_total 5\n');
  });
});
