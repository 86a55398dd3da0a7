import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ClientError } from '../../src/client/client-error.js';
import { formatSession, parseSession } from '../../src/client/session-string.js';

const session = { roomId: '88a372a9', token: 'c6f43f', peerId: '1106d04d-f5a6-4a62-a0de-7b5a28b2be82' };

/** As a Python worker prints it: spaces in the JSON, padding at the end. */
const pythonString =
  'sleap-session:' +
  Buffer.from(`{"r": "${session.roomId}", "t": "${session.token}", "p": "${session.peerId}"}`)
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');

describe('session strings', () => {
  test('are one word that names room, token and worker', () => {
    const text = formatSession(session);
    expect(text).toMatch(/^signal-session:[\w-]+$/);
    expect(parseSession(text)).toEqual(session);
  });

  test('of Python workers are taken, padded and unpadded', () => {
    expect(pythonString).toMatch(/=$/);
    expect(parseSession(pythonString)).toEqual(session);
    expect(parseSession(pythonString.replace(/=+$/, ''))).toEqual(session);
  });

  test('are taken with white space around them, as copied from a terminal', () => {
    expect(parseSession(`  ${formatSession(session)}\r\n`)).toEqual(session);
  });

  test('come back as they were, whatever the names hold', () => {
    const name = fc.string({ minLength: 1, unit: 'binary' });
    fc.assert(
      fc.property(name, name, name, (roomId, token, peerId) => {
        expect(parseSession(formatSession({ roomId, token, peerId }))).toEqual({ roomId, token, peerId });
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['another word', 'hello'],
    ['another prefix', formatSession(session).replace('signal', 'other')],
    ['only the prefix', 'signal-session:'],
    ['a string that was cut', formatSession(session).slice(0, -9)],
    ['characters that are no base64', `${formatSession(session)}!`],
    ['JSON that is no object', `signal-session:${Buffer.from('null').toString('base64url')}`],
    ['a missing field', `signal-session:${Buffer.from('{"r":"a","t":"b"}').toString('base64url')}`],
    [
      'a field that is no text',
      `signal-session:${Buffer.from('{"r":"a","t":"b","p":1}').toString('base64url')}`,
    ],
  ])('%s is refused with what to do', (_, text) => {
    expect(() => parseSession(text)).toThrow(ClientError);
    expect(() => parseSession(text)).toThrow(
      expect.objectContaining({ exitCode: 2, remedy: expect.any(String) }),
    );
  });
});
