import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileTransfer } from '../../src/client/file-transfer.js';
import type { TransferRecord } from '../../src/client/transfer-observer.js';
import { MemoryChannel } from './channel-pair.js';

let folder: string;
const ends: End[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'transfer-'));
});

afterEach(async () => {
  await dispose(...ends.splice(0));
  rmSync(folder, { recursive: true, force: true });
});

class End {
  readonly transfer: FileTransfer;
  readonly records: TransferRecord[] = [];
  readonly folder: string;
  /** Settles when a file has begun to come or go. */
  readonly began: Promise<void>;
  #begin: () => void = () => undefined;

  constructor(
    name: string,
    readonly channel: MemoryChannel,
    isConfirmed: boolean,
  ) {
    this.folder = path.join(folder, name);
    mkdirSync(this.folder);
    this.began = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.transfer = new FileTransfer(
      channel,
      (listener) => {
        channel.listen(listener);
      },
      {
        outFolder: this.folder,
        chunkBytes: 1_000,
        isConfirmed,
        observer: {
          began: () => {
            this.#begin();
          },
          progressed: () => undefined,
          finished: (record) => this.records.push(record),
        },
      },
    );
    ends.push(this);
  }
}

function connect(isConfirmed: boolean): readonly [End, End] {
  const [a, b] = MemoryChannel.pair();
  return [new End('a', a, isConfirmed), new End('b', b, isConfirmed)];
}

function file(name: string, text: string): string {
  const target = path.join(folder, name);
  writeFileSync(target, text);
  return target;
}

async function dispose(...ends: readonly End[]): Promise<void> {
  await Promise.all(ends.map(({ transfer }) => transfer.dispose()));
}

describe.each([{ isConfirmed: true }, { isConfirmed: false }])(
  'with receipts: $isConfirmed',
  ({ isConfirmed }) => {
    test('files go both ways at once, and each end tells of each', async () => {
      const [a, b] = connect(isConfirmed);
      const files = {
        one: file('one', 'x'.repeat(12_345)),
        two: file('two', ''),
        three: file('three', 'KEEP_ALIVE'),
      };
      await Promise.all([
        a.transfer.send([files.one, files.two]),
        b.transfer.send([files.three]),
        a.transfer.received(1),
        b.transfer.received(2),
      ]);
      await dispose(a, b);
      expect(readFileSync(path.join(b.folder, 'one'), 'utf8')).toBe('x'.repeat(12_345));
      expect(readFileSync(path.join(b.folder, 'two'), 'utf8')).toBe('');
      expect(readFileSync(path.join(a.folder, 'three'), 'utf8')).toBe('KEEP_ALIVE');
      const sha256 = createHash('sha256').update('x'.repeat(12_345)).digest('hex');
      expect(a.records).toContainEqual(
        expect.objectContaining({ direction: 'sent', sizeBytes: 12_345, sha256, isConfirmed }),
      );
      expect(b.records).toContainEqual(
        expect.objectContaining({ direction: 'received', sizeBytes: 12_345, sha256 }),
      );
      expect([a.records.length, b.records.length]).toEqual([3, 3]);
    });

    test('a channel that closes in the middle of a file fails both ends, and leaves no half file', async () => {
      const [a, b] = connect(isConfirmed);
      let chunks = 0;
      a.channel.tamper = (message) => {
        if (typeof message !== 'string' && (chunks += 1) === 3) a.channel.close();
        return message;
      };
      const outcomes = await Promise.allSettled([
        a.transfer.send([file('long', 'x'.repeat(3_000_000))]),
        b.transfer.received(1),
        b.transfer.closed(),
      ]);
      await dispose(a, b);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ reason: { kind: 'transfer', exitCode: 6 } });
      }
      expect(readdirSync(b.folder)).toEqual([]);
    });

    test('a file that cannot be read is told before anything is sent', async () => {
      const [a, b] = connect(isConfirmed);
      await expect(a.transfer.send([path.join(folder, 'none')])).rejects.toMatchObject({ kind: 'disk' });
      await expect(a.transfer.send([folder])).rejects.toMatchObject({ kind: 'disk' });
      expect(a.transfer.writtenBytes).toBe(0);
      await dispose(a, b);
    });

    test('a failure from outside ends all waiting', async () => {
      const [a, b] = connect(isConfirmed);
      const waiting = Promise.allSettled([
        a.transfer.received(1),
        a.transfer.closed(),
        a.transfer.firstFile(60_000),
      ]);
      const { interrupted } = await import('../../src/client/waiting.js');
      a.transfer.fail(interrupted());
      expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      await dispose(a, b);
    });
  },
);

describe('with receipts', () => {
  test('bytes that were changed on the way fail both ends', async () => {
    const [a, b] = connect(true);
    a.channel.tamper = (message) => (typeof message === 'string' ? message : message.map((byte) => byte ^ 1));
    const outcomes = await Promise.allSettled([a.transfer.send([file('x', 'abc')]), b.transfer.received(1)]);
    await dispose(a, b);
    expect(outcomes).toEqual([
      {
        status: 'rejected',
        reason: expect.objectContaining({ kind: 'transfer', line: expect.stringContaining('SHA-256') }),
      },
      {
        status: 'rejected',
        reason: expect.objectContaining({ kind: 'transfer', line: expect.stringContaining('SHA-256') }),
      },
    ]);
    expect(readdirSync(b.folder)).toEqual([]);
  });

  test('a sender waits until the other end has the file on its disk', async () => {
    const [a, b] = connect(true);
    b.channel.tamper = () => undefined;
    const sending = a.transfer.send([file('x', 'abc')]);
    await b.transfer.received(1);
    b.channel.close();
    await expect(sending).rejects.toMatchObject({ kind: 'transfer' });
    await dispose(a, b);
  });

  test('a disk that fails at the other end is told to the sender without naming its folders', async () => {
    const [a, b] = connect(true);
    rmSync(b.folder, { recursive: true });
    const outcomes = await Promise.allSettled([a.transfer.send([file('x', 'abc')]), b.transfer.received(1)]);
    await dispose(a, b);
    expect(outcomes[0]).toMatchObject({
      reason: { kind: 'transfer', message: expect.stringContaining('disk error') },
    });
    expect(outcomes[0]).not.toMatchObject({ reason: { message: expect.stringContaining(folder) } });
    expect(outcomes[1]).toMatchObject({ reason: { kind: 'disk' } });
  });
});

test('without a file from the other end, patience ends; with one under way, it is waited for', async () => {
  const [a, b] = connect(false);
  await a.transfer.firstFile(0);
  b.channel.send('x:1');
  await a.began;
  const first = a.transfer.firstFile(0);
  // Timers of one length fire in the order in which they were made: the patience is over before this.
  setTimeout(() => {
    b.channel.send(Buffer.from('!'));
    b.channel.send('END_OF_FILE');
  }, 0);
  await first;
  expect(a.transfer.receivedFiles).toBe(1);
  await dispose(a, b);
});
