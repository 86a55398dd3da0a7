/** An exception that nobody catches, in the server's process and the Media Service's. */
import { afterEach, expect, test } from '@jest/globals';
import { testedMediasoup } from '../support/mediasoup-worker.js';
import { startMedia } from '../support/media-service.js';
import { ProcessBuild } from '../support/process-build.js';
import { Program } from '../support/spawn.js';

/** Throws where no code of ours is, when it is told to. */
const thrower = encodeURIComponent(
  "process.once('SIGUSR2',()=>{throw new TypeError('at Bearer abcdefghijklmnop')})",
);
const settings = { NODE_OPTIONS: `--import=data:text/javascript,${thrower}`, LOG_LEVEL: 'info' };
const own = { HOST: '127.0.0.1', HTTP_PORT: '0', WS_PORT: '0', AUDIT_LOG: 'none', ...settings };
const assignments = Object.entries(own).map(([name, value]) => `${name}=${value}`);

const startServer = (entry: string): Program =>
  Program.start('env', ['-i', ...assignments, process.execPath, entry]);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

test.each([
  ['server', 'src/main.ts', startServer, /^WebSocket /],
  [
    'Media Service',
    'src/media/main.ts',
    (entry: string) => startMedia(entry, { ...testedMediasoup(), ...settings }),
    /^Media Service /,
  ],
] as const)(
  '[K11] that ends the %s is a line of its log, and the exit code is no success',
  async (_what, source, start, isReady) => {
    const made = await ProcessBuild.make(source);
    closers.push(() => {
      made.remove();
    });
    const program = start(made.entry);
    closers.unshift(() => program.stop());
    await program.line(isReady);
    program.signal('SIGUSR2');
    expect((await program.exited).code).toBe(1);
    const told = program.lines.filter((line) => line.includes('"event":"crashed"'));
    expect(told.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        level: 'error',
        node: expect.any(String),
        error: expect.objectContaining({ name: 'TypeError', message: 'at Bearer [redacted]' }),
      }),
    ]);
  },
  60_000,
);
