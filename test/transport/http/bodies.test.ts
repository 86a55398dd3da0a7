import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { ManagedServer } from '../../../src/transport/http/managed-server.js';
import { withServer } from './http-fixture.js';
import { ask, bytesOf, parseAnswer } from './raw-request.js';

const path = '/delete-peers-and-room';
const json = { 'content-type': 'application/json' };
const known = '{"peer_id":"known"}';
const deleted = '{"status":"peer deleted successfully"}';
const missing = '{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}';
const notAnObject = (input: string): string =>
  `{"detail":[{"type":"dict_type","loc":["body"],"msg":"Input should be a valid dictionary","input":${input}}]}`;
const malformed = (offset: number, error: string): string =>
  `{"detail":[{"type":"json_invalid","loc":["body",${String(offset)}],"msg":"JSON decode error","input":{},"ctx":{"error":"${error}"}}]}`;
const unreadable = '{"detail":"There was an error parsing the body"}';

describe('A body that must be an object', () => {
  test.each([[undefined], [''], ['null'], [' null\n']])('[H6] is missing when it is %j', async (body) => {
    await withServer({}, async ({ port }) => {
      const request = { path, headers: json, ...(body !== undefined && { body }) };
      expect(await ask(port, request)).toEqual({
        status: 422,
        headers: { 'content-length': String(missing.length), 'content-type': 'application/json' },
        body: missing,
      });
    });
  });

  test.each([
    ['{bad', 1, 'Expecting property name enclosed in double quotes'],
    ['   ', 3, 'Expecting value'],
    ['{"peer_id":"known"} x', 20, 'Extra data'],
    ['{"é😀":1 x}', 8, "Expecting ',' delimiter"],
    ['{"peer_id":NaN}', 11, 'Expecting value'],
  ])('is malformed when it is %s', async (body, offset, error) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path, headers: json, body })).toMatchObject({
        status: 422,
        body: malformed(offset, error),
      });
    });
  });

  test.each([
    ['[]'],
    ['"text"'],
    ['5'],
    ['-1.5'],
    ['0'],
    ['""'],
    ['true'],
    ['false'],
    ['[1,{"a":[null,"é😀/"]}]'],
  ])('is no dictionary when it is %s, which is quoted back', async (body) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path, headers: json, body })).toMatchObject({
        status: 422,
        body: notAnObject(body),
      });
    });
  });

  test.each([
    ['application/json'],
    ['application/json; charset=utf-8'],
    ['Application/JSON'],
    ['application/problem+json'],
    ['application/vnd.example+json;v=1'],
    [''],
    [undefined],
  ])('is read as JSON with the content type %j', async (type) => {
    await withServer({}, async ({ port }) => {
      const headers = type === undefined ? {} : { 'content-type': type };
      expect(await ask(port, { path, headers, body: known })).toMatchObject({ status: 200, body: deleted });
    });
  });

  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/jsonx'],
    ['text/json'],
    ['json'],
    ['application/json/x'],
  ])('is mere text with the content type %s', async (type) => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path, headers: { 'content-type': type }, body: known })).toMatchObject({
        status: 422,
        body: notAnObject(JSON.stringify(known)),
      });
    });
  });

  test('[H6] may begin with a byte order mark', async () => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path, headers: json, body: `\ufeff${known}` })).toMatchObject({
        body: deleted,
      });
    });
  });

  test.each([['application/json'], ['text/plain']])(
    '[H6] is unreadable when it is not UTF-8, as %s',
    async (type) => {
      await withServer({}, async ({ port }) => {
        const body = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22]);
        expect(await ask(port, { path, headers: { 'content-type': type }, body })).toMatchObject({
          status: 400,
          headers: { 'content-type': 'application/json' },
          body: unreadable,
        });
      });
    },
  );

  test.each([['['.repeat(30_000)], ['['.repeat(30_000) + ']'.repeat(30_000)], ['{"a":'.repeat(5_000)]])(
    '[H6] is unreadable when it nests too deep, as in Python (%#)',
    async (body) => {
      await withServer({}, async ({ port }) => {
        expect(await ask(port, { path, headers: json, body })).toMatchObject({
          status: 400,
          body: unreadable,
        });
      });
    },
  );

  test('does not count brackets inside strings as nesting', async () => {
    await withServer({}, async ({ port }) => {
      const body = `{"peer_id":"known","x":"\\"${'['.repeat(5_000)}"}`;
      expect(await ask(port, { path, headers: json, body })).toMatchObject({ status: 200, body: deleted });
    });
  });
});

describe('The size of a body', () => {
  const tooBig = { status: 413, body: '{"detail":"The request body is larger than 65536 bytes"}' };
  const padded = (bytes: number): string => known + ' '.repeat(bytes - known.length);

  test('may be 64 KiB and not a byte more', async () => {
    await withServer({}, async ({ port }) => {
      expect(await ask(port, { path, headers: json, body: padded(65_536) })).toMatchObject({ body: deleted });
      expect(await ask(port, { path, headers: json, body: padded(65_537) })).toMatchObject({
        ...tooBig,
        headers: { 'content-type': 'application/json' },
      });
      expect(await ask(port, { path, headers: json, body: padded(1_000_000) })).toMatchObject(tooBig);
    });
  });

  test('is bounded too when it is not announced', async () => {
    await withServer({}, async ({ port }) => {
      const socket = connect(port, '127.0.0.1');
      const chunk = `8000\r\n${' '.repeat(0x8000)}\r\n`;
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(3)}`,
      );
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(parseAnswer(answer)).toMatchObject(tooBig);
      socket.destroy();
    });
  });

  test('that nobody wants is thrown away up to 1 MiB; then the connection is cut', async () => {
    await withServer({}, async ({ port }) => {
      const socket = connect(port, '127.0.0.1');
      const announced = 'content-length: 1000000000\r\n\r\n';
      socket.write(`POST /anonymous-signin HTTP/1.1\r\nhost: x\r\n${announced}${' '.repeat(1000)}`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(parseAnswer(answer).status).toBe(200);
      // Whether the client sees a reset or an end is up to its kernel.
      const cut = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));
      socket.write(' '.repeat(1_100_000));
      await cut;
    });
  });

  test('leaves nothing behind when the client goes away in the middle', async () => {
    await withServer({}, async ({ port, log, asked }) => {
      const socket = connect(port, '127.0.0.1');
      const bytes = bytesOf(port, { path, headers: json, body: known });
      socket.write(bytes.subarray(0, bytes.length - 5), () => socket.resetAndDestroy());
      await once(socket, 'close');
      expect(await ask(port, { path, headers: json, body: '{}' })).toMatchObject({ status: 200 });
      expect({ log, asked }).toEqual({ log: [], asked: [] });
    });
  });

  test('and its headers must be here within seconds', () => {
    const { server } = new ManagedServer(() => undefined);
    expect(server.headersTimeout).toBeGreaterThan(0);
    expect(server.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(server.requestTimeout).toBeGreaterThan(server.headersTimeout);
    expect(server.requestTimeout).toBeLessThanOrEqual(30_000);
  });
});
