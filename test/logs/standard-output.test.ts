/** Standard output that nobody takes: a full disk, a reader that is gone, one that is slow. */
import { spawnSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LineOutput } from '../../src/adapters/standard-output.js';
import { freePort } from '../support/free-port.js';
import { ProcessBuild } from '../support/process-build.js';

/** Asks until somebody listens. */
async function signIn(port: string): Promise<number> {
  const signal = AbortSignal.timeout(120_000);
  for (;;) {
    try {
      return (await fetch(`http://127.0.0.1:${port}/anonymous-signin`, { method: 'POST', signal })).status;
    } catch (error) {
      if (signal.aborted) throw error;
      await pause(50);
    }
  }
}

describe('[K8] the server serves on, and ends with 0,', () => {
  let made: ProcessBuild | undefined;
  beforeAll(async () => {
    made = await ProcessBuild.make('src/main.ts');
  });
  afterAll(() => {
    made?.remove();
  });

  test.each(['on a full disk', 'when its reader is gone'])('with standard output %s', async (what) => {
    // What the server says of its own is lost.
    const port = String(await freePort());
    const isFull = what === 'on a full disk';
    const full = isFull ? openSync('/dev/full', 'w') : undefined;
    const child = spawn(process.execPath, [made?.entry ?? ''], {
      env: { HOST: '127.0.0.1', HTTP_PORT: port, WS_PORT: '0' },
      stdio: ['ignore', full ?? 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      // Before the lines for people are written.
      child.stdout?.once('data', () => child.stdout?.destroy());
      // The lines of the first are lost; the second finds out what that did.
      expect([await signIn(port), await signIn(port)]).toEqual([200, 200]);
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await exited;
      if (full !== undefined) closeSync(full);
    }
  });
});

test('[K8] lines beyond 4 MiB that nobody reads are lost, and it is told once how many', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'output-'));
  const fifo = path.join(folder, 'fifo');
  spawnSync('sh', ['-c', 'mkfifo "$1"', 'sh', fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    const output = new LineOutput(fd);
    const told: number[] = [];
    output.onLost((count) => told.push(count));
    const width = 1_024;
    for (let at = 0; at < 6_000; at += 1) output.write(`${String(at).padStart(width - 1)}\n`);
    expect(told).toEqual([]);
    const wait = { isOver: false };
    const flushed = output.flush().then(() => {
      wait.isOver = true;
    });
    let text = '';
    const chunk = Buffer.alloc(1 << 20);
    const read = (): void => {
      for (;;) {
        try {
          text += chunk.toString('latin1', 0, readSync(fd, chunk));
        } catch (error) {
          expect(error).toMatchObject({ code: 'EAGAIN' });
          return;
        }
      }
    };
    while (!wait.isOver) {
      read();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await flushed;
    read();
    const numbers = text.trimEnd().split('\n').map(Number);
    expect(numbers).toEqual(Array.from({ length: 4_096 }, (_, at) => at));
    expect(told).toEqual([6_000 - 4_096]);
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});
