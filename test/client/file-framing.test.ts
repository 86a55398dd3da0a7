import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  FrameReader,
  FramingError,
  chunkMessages,
  digestMessage,
  endMessage,
  headerMessage,
  keepAliveMessage,
  parseReceipt,
  receiptMessage,
  type FileEvent,
  type Message,
} from '../../src/client/file-framing.js';

interface SentFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The files as a reader understood them. */
function assemble(events: readonly FileEvent[]): { name: string; sizeBytes: number; bytes: string }[] {
  const files: { name: string; sizeBytes: number; bytes: string }[] = [];
  for (const event of events) {
    if (event.type === 'begin') files.push({ name: event.name, sizeBytes: event.sizeBytes, bytes: '' });
    const file = files.at(-1);
    if (event.type === 'data' && file !== undefined) file.bytes += Buffer.from(event.bytes).toString('hex');
  }
  return files;
}

function readAll(messages: readonly Message[], withDigest = false): readonly FileEvent[] {
  const reader = new FrameReader(withDigest);
  const events = messages.flatMap((message) => reader.read(message));
  expect(reader.isInsideFile).toBe(false);
  return events;
}

/** A file's messages, its bytes cut at the given places. */
function messagesOf(file: SentFile, cuts: readonly number[], withDigest: boolean): Message[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (file.bytes.length + 1)), file.bytes.length])];
  places.sort((a, b) => a - b);
  const chunks = places.slice(1).map((end, index) => file.bytes.subarray(places[index], end));
  return [
    headerMessage(file.name, file.bytes.length),
    ...chunks.flatMap((chunk) => chunkMessages(chunk)),
    endMessage,
    ...(withDigest ? [digestMessage('0'.repeat(64))] : []),
  ];
}

const anyFile = fc.record({
  name: fc
    .oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom('a:b:12', '12:34', ':', 'C:\\x:1', 'END_OF_FILE', '9'),
    )
    .filter((name) => !/\p{Cc}/u.test(name) && !name.startsWith('FILE_META::')),
  bytes: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(Uint8Array.from(keepAliveMessage))),
});

describe('reading files from a channel', () => {
  test('any files in any chunks come out as they went in, with keep-alives anywhere', () => {
    const anyFiles = fc.array(fc.tuple(anyFile, fc.array(fc.nat(), { maxLength: 8 })), { maxLength: 4 });
    fc.assert(
      fc.property(
        anyFiles,
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.boolean(),
        (files, keepAlives, withDigest) => {
          const messages = files.flatMap(([file, cuts]) => messagesOf(file, cuts, withDigest));
          for (const place of keepAlives) messages.splice(place % (messages.length + 1), 0, keepAliveMessage);
          expect(assemble(readAll(messages, withDigest))).toEqual(
            files.map(([{ name, bytes }]) => ({
              name,
              sizeBytes: bytes.length,
              bytes: Buffer.from(bytes).toString('hex'),
            })),
          );
        },
      ),
    );
  });

  test('never throws anything but a framing error, whatever comes', () => {
    const anyMessage = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom<Message>(
        'a:5',
        'FILE_META::a:3:/x',
        endMessage,
        keepAliveMessage,
        digestMessage('0'.repeat(64)),
      ),
    );
    fc.assert(
      fc.property(fc.array(anyMessage), fc.boolean(), (messages, withDigest) => {
        const reader = new FrameReader(withDigest);
        try {
          for (const message of messages) reader.read(message);
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError);
        }
      }),
    );
  });

  test('a later peer announces with FILE_META and a folder', () => {
    expect(readAll(['FILE_META::my: file.txt:2:/some/folder', Buffer.from('hi'), endMessage])).toEqual([
      { type: 'begin', name: 'my: file.txt', sizeBytes: 2 },
      { type: 'data', bytes: Buffer.from('hi') },
      { type: 'end' },
    ]);
  });

  test('a file of no bytes is a file', () => {
    expect(readAll(['empty:0', endMessage])).toEqual([
      { type: 'begin', name: 'empty', sizeBytes: 0 },
      { type: 'end' },
    ]);
  });

  test('a file that ends in the bytes of a keep-alive is complete, from a peer that does not split them', () => {
    const rest = Buffer.from('0123456789ABC');
    const events = readAll([`x:${String(rest.length + 10)}`, rest, Buffer.from('KEEP_ALIVE'), endMessage]);
    expect(assemble(events)).toEqual([
      { name: 'x', sizeBytes: 23, bytes: Buffer.concat([rest, keepAliveMessage]).toString('hex') },
    ]);
  });

  test('texts that announce nothing are passed over, before, inside and after a file', () => {
    const texts = ['PROGRESS 5%', 'a:b', ':3', 'x:-1', 'x:1e3', 'x:12345678901234567', ''];
    const events = readAll([...texts, 'x:1', ...texts, Buffer.from('!'), endMessage, ...texts]);
    expect(events.map(({ type }) => type)).toEqual(['begin', 'data', 'end']);
  });

  test.each([
    ['more bytes than announced', ['x:3', Buffer.from('four')]],
    ['an end before the last byte', ['x:3', Buffer.from('ab'), endMessage]],
    ['bytes without an announcement', [Buffer.from('ab')]],
    ['bytes after the end', ['x:1', Buffer.from('a'), endMessage, Buffer.from('b')]],
  ])('%s is an error', (_, messages) => {
    expect(() => readAll(messages)).toThrow(FramingError);
  });
});

describe('receipts', () => {
  test('are read as they were written, and no announcement is taken for one', () => {
    const no = { ok: false, reason: 'disk error' } as const;
    const yes = { ok: true, sha256: 'ab'.repeat(32) } as const;
    expect(parseReceipt(receiptMessage(yes))).toEqual(yes);
    expect(parseReceipt(receiptMessage(no))).toEqual(no);
    expect(parseReceipt(headerMessage('\u0006FILE_OK::ab', 1))).toBeUndefined();
    expect(parseReceipt(Buffer.from(receiptMessage(yes)))).toBeUndefined();
  });
});
