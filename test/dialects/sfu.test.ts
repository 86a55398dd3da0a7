/** Golden frames of `sfu_*`: what full sessions ask of the Media Service and are told of it. No server. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Scope } from '../../src/dialects/dialect.js';
import { flat } from '../../src/dialects/flat/flat.js';
import { gateway } from '../../src/dialects/gateway/gateway.js';
import { webrtc, webrtcExtended } from '../../src/dialects/webrtc/webrtc.js';
import type { Ask, Event } from '../../src/protocol/messages.js';
import { mediaNews, mediaReplies } from '../support/dialect-events.js';

const readme = readFileSync('src/dialects/README.md', 'utf8').split('\n');
const scope: Scope = { roomId: undefined, now: () => 1_000 };

type Reading = ReturnType<typeof flat.decode>;

const decoded = (frame: object | string, isBinary = false): Reading =>
  flat.decode(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), isBinary, scope);

function request(frame: object): unknown {
  const reading = decoded(frame);
  if (!('command' in reading)) throw new Error(reading.error.message);
  return reading.command.type === 'media' ? reading.command.request : reading.command;
}

function refusal(frame: object | string): { code: string; message: string; fields: unknown } {
  const reading = decoded(frame);
  if ('command' in reading) throw new Error('it was read');
  const { code, message, fields } = reading.error;
  return { code, message, fields };
}

const write = (event: Event, ask?: Ask): string => flat.encode(event, ask, scope)?.toString() ?? 'nothing';

const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');
const dtlsParameters = { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: fingerprint }] };
const opus = { mimeType: 'audio/opus', clockRate: 48_000, channels: 2 };
const rtpParameters = {
  mid: '0',
  codecs: [{ ...opus, payloadType: 111, parameters: { useinbandfec: 1 }, rtcpFeedback: [] }],
  headerExtensions: [{ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4, encrypt: false, parameters: {} }],
  encodings: [{ ssrc: 1_234, dtx: false }],
  rtcp: { cname: 'x', reducedSize: true },
};
const rtpCapabilities = {
  codecs: [{ kind: 'audio', ...opus, preferredPayloadType: 100, parameters: {}, rtcpFeedback: [] }],
  headerExtensions: [
    { kind: 'audio', uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', preferredId: 1, direction: 'sendrecv' },
  ],
};

/** Every verb, in this dialect's spelling and in S1's, and what is asked by it. */
const verbs: readonly (readonly [own: object, s1: object, asked: object])[] = [
  [
    { type: 'sfu_get_router_capabilities' },
    { type: 'sfu_get_router_capabilities', room: 'r' },
    { op: 'capabilities' },
  ],
  [
    { type: 'sfu_create_transport', direction: 'send' },
    { type: 'sfu_create_transport', room: 'r', direction: 'send' },
    { op: 'create_transport', direction: 'send' },
  ],
  [
    { type: 'sfu_connect_transport', transport_id: 't1', dtls_parameters: dtlsParameters },
    { type: 'sfu_connect_transport', room: 'r', transportId: 't1', dtlsParameters },
    { op: 'connect_transport', transportId: 't1', dtlsParameters },
  ],
  [
    {
      type: 'sfu_produce',
      transport_id: 't1',
      kind: 'audio',
      rtp_parameters: rtpParameters,
      app_data: { source: 'mic' },
    },
    { type: 'sfu_produce', transportId: 't1', kind: 'audio', rtpParameters, appData: { source: 'mic' } },
    { op: 'produce', transportId: 't1', kind: 'audio', rtpParameters, appData: { source: 'mic' } },
  ],
  [
    { type: 'sfu_produce', transport_id: 't1', kind: 'audio', rtp_parameters: rtpParameters },
    { type: 'sfu_produce', transportId: 't1', kind: 'audio', rtpParameters, appData: null },
    { op: 'produce', transportId: 't1', kind: 'audio', rtpParameters, appData: {} },
  ],
  [
    { type: 'sfu_consume', transport_id: 't1', producer_id: 'p1', rtp_capabilities: rtpCapabilities },
    { type: 'sfu_consume', transportId: 't1', producerId: 'p1', rtpCapabilities },
    { op: 'consume', transportId: 't1', producerId: 'p1', rtpCapabilities },
  ],
  [
    { type: 'sfu_consume', producer_id: 'p1', rtp_capabilities: rtpCapabilities },
    { type: 'sfu_consume', transportId: null, producerId: 'p1', rtpCapabilities },
    { op: 'consume', transportId: undefined, producerId: 'p1', rtpCapabilities },
  ],
  [
    { type: 'sfu_resume_consumer', consumer_id: 'c1' },
    { type: 'sfu_resume_consumer', consumerId: 'c1' },
    { op: 'resume_consumer', consumerId: 'c1' },
  ],
  [
    { type: 'sfu_close_producer', producer_id: 'p1' },
    { type: 'sfu_close_producer', producerId: 'p1' },
    { op: 'close_producer', producerId: 'p1' },
  ],
];

describe('asking', () => {
  test.each(verbs)('[M5] %j', (own, s1, asked) => {
    expect(request(own)).toEqual(asked);
    expect(request(s1)).toEqual(asked);
    expect(decoded({ ...own, id: '7' })).toMatchObject({ ask: { id: '7', answered: false } });
  });

  test('[M5] what mediasoup does not know is dropped', () => {
    const [, , , produce] = verbs;
    const odd = { ...produce?.[0], rtp_parameters: { ...rtpParameters, msid: 'x', zeta: [1] } };
    expect(request(odd)).toEqual(produce?.[2]);
  });

  test.each<[object, string, string]>([
    [{ type: 'sfu_create_transport' }, 'direction', 'direction: is missing. Send "send" or "recv".'],
    [
      { type: 'sfu_create_transport', direction: 'both' },
      'direction',
      'direction: Invalid option: expected one of "send"|"recv". Send "send" or "recv".',
    ],
    [
      { type: 'sfu_connect_transport', transportId: 7 },
      'transportId',
      'transportId: Invalid input: expected string, received number. Send the transport_id that sfu_create_transport answered.',
    ],
    [
      { type: 'sfu_connect_transport', transport_id: 't', dtls_parameters: { fingerprints: [] } },
      'dtls_parameters.fingerprints',
      'dtls_parameters.fingerprints: Too small: expected array to have >=1 items. Send the dtlsParameters that mediasoup-client gave, unchanged.',
    ],
    [
      {
        type: 'sfu_produce',
        transport_id: 't',
        kind: 'audio',
        rtp_parameters: { codecs: [{ ...opus, payloadType: 128 }] },
      },
      'rtp_parameters.codecs.0.payloadType',
      'rtp_parameters.codecs.0.payloadType: Too big: expected number to be <=127. Send the rtpParameters that mediasoup-client gave, unchanged.',
    ],
    [
      {
        type: 'sfu_produce',
        transport_id: 't',
        kind: 'audio',
        rtpParameters,
        app_data: { x: 'x'.repeat(1_024) },
      },
      'app_data',
      'app_data: Invalid input. Send an object with at most 1024 characters of JSON, or nothing.',
    ],
    [
      { type: 'sfu_consume', producer_id: 'p', rtp_capabilities: { codecs: [{ kind: 'smell' }] } },
      'rtp_capabilities.codecs.0.kind',
      'rtp_capabilities.codecs.0.kind: Invalid option: expected one of "audio"|"video". Send the rtpCapabilities of mediasoup-client’s Device, unchanged.',
    ],
  ])('[M5] %j is refused with where it is wrong, and what to send', (frame, field, message) => {
    const { code, message: text, fields } = refusal(frame);
    expect([code, text]).toEqual(['INVALID_MESSAGE', message]);
    expect(Object.keys(fields as object)).toContain(field);
  });

  test('[M5] a refusal quotes little of what it was sent', () => {
    const codecs = Array.from({ length: 30 }, () => 1);
    const many = refusal({ type: 'sfu_consume', producer_id: 'p', rtp_capabilities: { codecs } });
    expect(Object.keys(many.fields as object)).toEqual(['rtp_capabilities.codecs.0']);
    const named = { ...opus, payloadType: 1, parameters: { ['x'.repeat(10_000)]: 1 } };
    const long = refusal({
      type: 'sfu_produce',
      transport_id: 't',
      kind: 'audio',
      rtp_parameters: { codecs: [named] },
    });
    expect(long.message.length).toBeLessThan(512);
  });

  test('[M13] frames of more than 64 KiB, 64 levels or 4,096 values are refused', () => {
    const big = {
      type: 'sfu_consume',
      producer_id: 'p',
      rtp_capabilities: { codecs: [], x: 'x'.repeat(65_536) },
    };
    expect(refusal(big).code).toBe('MESSAGE_TOO_BIG');
    const deep = `{"type":"sfu_produce","app_data":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`;
    expect(refusal(deep).message).toMatch(/64 levels/);
    const many = { type: 'sfu_produce', app_data: Array.from({ length: 4_096 }, () => 0) };
    expect(refusal(many).message).toMatch(/4096 values/);
  });

  test('[X3] the other dialects have no such verbs', () => {
    for (const [own] of verbs) {
      const { type } = own as { type: string };
      const bytes = Buffer.from(JSON.stringify({ ...own, payload: own, senderId: 'a' }));
      for (const dialect of [webrtc, webrtcExtended]) {
        expect(dialect.decode(bytes, false, scope)).toMatchObject({
          error: { code: 'UNKNOWN_MESSAGE_TYPE' },
          ask: { verb: type },
        });
      }
      expect(gateway.decode(bytes, false, scope)).toHaveProperty('error.code', 'INVALID_MESSAGE');
    }
  });
});

describe('hostile requests', () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  /** A value at a random place of the object is another one, or is gone. */
  const spoilt = (value: unknown): fc.Arbitrary<unknown> =>
    fc.tuple(fc.array(fc.nat(40), { maxLength: 6 }), json, fc.boolean()).map(([way, other, isGone]) => {
      const whole = structuredClone(value) as Record<string, unknown>;
      let at: Record<string, unknown> = whole;
      for (const step of way) {
        const names = Object.keys(at);
        const name = names[step % Math.max(1, names.length)];
        const next = name === undefined ? undefined : at[name];
        if (typeof next !== 'object' || next === null) break;
        at = next as Record<string, unknown>;
      }
      const names = Object.keys(at);
      const victim = names[(way[0] ?? 0) % Math.max(1, names.length)] ?? '__proto__';
      if (isGone) Reflect.deleteProperty(at, victim);
      else Object.defineProperty(at, victim, { value: other, enumerable: true, configurable: true });
      return whole;
    });

  test('[M5] whatever is wrong with them, they are read or refused with a field, and nothing throws', () => {
    const frames = fc.constantFrom(...verbs.flatMap(([own, s1]) => [own, s1])).chain(spoilt);
    fc.assert(
      fc.property(frames, (frame) => {
        const reading = decoded(JSON.stringify(frame));
        if ('command' in reading) {
          // Nothing but JSON goes on, without `__proto__` in it.
          expect(JSON.parse(JSON.stringify(reading.command))).toBeDefined();
          return;
        }
        expect(reading.error.code).toMatch(/^(INVALID_MESSAGE|UNKNOWN_MESSAGE_TYPE)$/);
        expect(reading.error.message.length).toBeLessThan(512);
      }),
      { numRuns: 1_000 },
    );
  });

  test('[M5] random fields are refused', () => {
    const names = verbs.map(([own]) => (own as { type: string }).type);
    const fields = fc.dictionary(
      fc.constantFrom(
        ...['transport_id', 'transportId', 'producer_id', 'consumer_id', 'direction', 'kind', 'id', 'room'],
        ...['rtp_parameters', 'rtp_capabilities', 'dtls_parameters', 'app_data', '__proto__', 'constructor'],
      ),
      json,
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), fields, (type, body) => {
        decoded(JSON.stringify({ ...body, type }));
      }),
    );
  });
});

describe('being told', () => {
  const ask = (verb: string): Ask => ({ verb, id: '7', answered: false });
  const [capabilities, created, connected, produced, consumed, resumed, closed] = mediaReplies.map((event) =>
    write(event, ask('sfu')),
  );
  const cameraCard = '{"producer_id":"p1","peer_id":"anna","kind":"video","app_data":{"source":"camera"}}';

  test.each([
    [
      capabilities,
      '{"type":"sfu_get_router_capabilities","rtp_capabilities":{"codecs":[{"mimeType":"audio/opus","preferredPayloadType":100}]},' +
        `"epoch":"e1","producers":[${cameraCard}],"reply_to":"7"}`,
    ],
    [
      created,
      '{"type":"sfu_create_transport","transport_id":"t1","id":"t1","direction":"recv",' +
        '"ice_parameters":{"usernameFragment":"u","password":"p","iceLite":true},' +
        '"ice_candidates":[{"foundation":"udp","ip":"127.0.0.1","port":40000}],' +
        '"dtls_parameters":{"role":"auto","fingerprints":[{"algorithm":"sha-256","value":"AA"}]},"reply_to":"7"}',
    ],
    [connected, '{"type":"sfu_connect_transport","transport_id":"t1","reply_to":"7"}'],
    [produced, '{"type":"sfu_produce","producer_id":"p1","id":"p1","reply_to":"7"}'],
    [
      consumed,
      '{"type":"sfu_consume","consumer_id":"c1","id":"c1","producer_id":"p1","peer_id":"anna","kind":"audio",' +
        '"rtp_parameters":{"mid":"0","codecs":[{"mimeType":"audio/opus","payloadType":100}]},' +
        '"consumer_type":"simple","paused":true,"producer_paused":false,"reply_to":"7"}',
    ],
    [resumed, '{"type":"sfu_resume_consumer","consumer_id":"c1","reply_to":"7"}'],
    [closed, '{"type":"sfu_close_producer","producer_id":"p1","reply_to":"7"}'],
  ])('[M5] %s', (text, golden) => {
    expect(text).toBe(golden);
    expect(readme).toContain(`< ${golden}`);
  });

  test('[M6] [M8] [M9] what nobody asked for', () => {
    const texts = mediaNews.map((event) => write(event));
    expect(texts).toEqual([
      `{"type":"sfu_new_producer",${cameraCard.slice(1)}`,
      '{"type":"sfu_producer_closed","producer_id":"p1","peer_id":"anna"}',
      '{"type":"sfu_restarted","epoch":"e2"}',
      '{"type":"error","code":"MEDIA_UNAVAILABLE","message":"Media Server Unavailable","reason":"Media Server Unavailable","retryable":true}',
    ]);
    for (const text of texts) expect(readme).toContain(`< ${text}`);
  });
});
