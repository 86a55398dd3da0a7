import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ClientError } from '../../src/client/client-error.js';
import { digestMessage, endMessage, type Message } from '../../src/client/file-framing.js';
import { FileReceiver, type ReceivedFile } from '../../src/client/file-receiver.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'receiver-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Gives the messages to a receiver, to the end. */
async function receive(
  messages: readonly Message[],
  withDigest = false,
  into = folder,
): Promise<{ readonly files: ReceivedFile[]; readonly failures: ClientError[] }> {
  const files: ReceivedFile[] = [];
  const failures: ClientError[] = [];
  const receiver = new FileReceiver(into, withDigest, {
    onBegin: () => undefined,
    onProgress: () => undefined,
    onFile: (file) => files.push(file),
    onFailure: (error) => failures.push(error),
  });
  for (const message of messages) receiver.accept(message);
  await receiver.close();
  return { files, failures };
}

describe('receiving into a folder', () => {
  test('the file on the disk has the bytes that came, in any chunks', async () => {
    const chunks = fc.array(
      fc.uint8Array({ minLength: 1, maxLength: 50 }).filter((chunk) => chunk.length !== 10),
    );
    await fc.assert(
      fc.asyncProperty(chunks, fc.boolean(), async (parts, withDigest) => {
        const bytes = Buffer.concat(parts);
        const digest = withDigest ? [digestMessage(sha256(bytes))] : [];
        const { files, failures } = await receive(
          [`x:${String(bytes.length)}`, ...parts, endMessage, ...digest],
          withDigest,
        );
        expect(failures).toEqual([]);
        expect(files).toEqual([{ path: expect.any(String), sizeBytes: bytes.length, sha256: sha256(bytes) }]);
        expect(readFileSync(files[0]?.path ?? '')).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('files that come one behind the other are kept apart', async () => {
    const { files } = await receive([
      'a:1',
      Buffer.from('1'),
      endMessage,
      'b:0',
      endMessage,
      'c:1',
      Buffer.from('3'),
      endMessage,
    ]);
    expect(files.map((file) => path.basename(file.path))).toEqual(['a', 'b', 'c']);
    expect(readFileSync(path.join(folder, 'c'), 'utf8')).toBe('3');
  });

  test('nothing is overwritten, not even what appears while the file comes', async () => {
    writeFileSync(path.join(folder, 'x.txt'), 'mine');
    const one = await receive(['x.txt:3', Buffer.from('his'), endMessage]);
    const two = await receive(['x.txt:4', Buffer.from('hers'), endMessage]);
    expect([one, two].map(({ files }) => path.basename(files[0]?.path ?? ''))).toEqual([
      'x (1).txt',
      'x (2).txt',
    ]);
    expect(readFileSync(path.join(folder, 'x.txt'), 'utf8')).toBe('mine');
    expect(readFileSync(path.join(folder, 'x (1).txt'), 'utf8')).toBe('his');
  });

  test('a name with a path lands in the folder', async () => {
    const { files } = await receive(['../../evil:1', Buffer.from('!'), endMessage]);
    expect(files[0]?.path).toBe(path.join(folder, 'evil'));
  });

  test.each([
    ['is cut short by the end of the channel', ['x:3', Buffer.from('ab')], 0],
    ['is longer than announced', ['x:3', Buffer.from('abcd')], 1],
    ['is shorter than announced', ['x:3', Buffer.from('ab'), endMessage], 1],
  ])('a file that %s leaves nothing behind', async (_, messages, failureCount) => {
    const { files, failures } = await receive(messages);
    expect(files).toEqual([]);
    expect(failures.map(({ kind }) => kind)).toEqual(Array(failureCount).fill('transfer'));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a file whose SHA-256 is not the announced one leaves nothing behind', async () => {
    const { files, failures } = await receive(
      ['x:3', Buffer.from('abc'), endMessage, digestMessage(sha256(Buffer.from('abd')))],
      true,
    );
    expect(files).toEqual([]);
    expect(failures.map(({ line }) => line)).toEqual([expect.stringContaining('SHA-256')]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is gone is a disk error, told once', async () => {
    const gone = path.join(folder, 'gone');
    const { files, failures } = await receive(
      ['x:2', Buffer.from('a'), Buffer.from('b'), endMessage],
      false,
      gone,
    );
    expect(files).toEqual([]);
    expect(failures.map(({ exitCode }) => exitCode)).toEqual([7]);
  });
});
