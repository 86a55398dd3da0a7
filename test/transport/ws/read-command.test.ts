import { expect, test } from '@jest/globals';
import { createTally } from '../../../src/ports/runtime.js';
import { readCommand } from '../../../src/transport/ws/read-command.js';

test('[T7] a dialect that trips over a frame ends nothing: its sender is refused, and it is counted and logged', () => {
  const [tally, logged] = [createTally(), [] as unknown[]];
  const quiet = (): void => undefined;
  const logger = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (event: string) => void logged.push(event),
  };
  const dialect = {
    name: 'flat',
    decode: () => {
      throw new TypeError('of whatever kind');
    },
  } as const;
  const scope = { roomId: undefined, now: () => 0 };
  const read = readCommand(dialect, { bytes: Buffer.from('{}'), isBinary: false }, scope, { tally, logger });
  expect(read).toMatchObject({ error: { code: 'INTERNAL' }, endsQuiet: false });
  expect(tally.handler_failures).toBe(1);
  expect(logged).toEqual(['frame_not_read']);
});
