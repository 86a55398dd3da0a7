/** What the server says of itself in OpenAPI and AsyncAPI, held against what it does. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { flat } from '../../src/dialects/flat/flat.js';
import { signalWords } from '../../src/dialects/flat/signals.js';
import { verbs as flatVerbs } from '../../src/dialects/flat/verbs.js';
import { gateway, gatewayWithPresence } from '../../src/dialects/gateway/gateway.js';
import { kinds } from '../../src/dialects/gateway/gateway-message.js';
import { noticeNames } from '../../src/dialects/notice-names.js';
import { verbs as webrtcVerbs } from '../../src/dialects/webrtc/verbs.js';
import { webrtc, webrtcExtended } from '../../src/dialects/webrtc/webrtc.js';
import type { Dialect } from '../../src/dialects/dialect.js';
import { asRoomId } from '../../src/protocol/ids.js';
import { operations } from '../../src/transport/http/documents/operations.js';
import { everyEvent } from '../support/every-event.js';
import { closedSchema, type JsonSchema } from '../support/json-schema.js';
import { TestServer, type Room, type User } from '../support/server.js';
import type { Frame, TestPeer } from '../support/test-peer.js';

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<
      string,
      {
        readonly security?: readonly object[];
        readonly requestBody?: { readonly required?: boolean };
        readonly responses: Record<string, { content?: Record<string, { schema?: JsonSchema }> }>;
      }
    >
  >;
}

interface AsyncApi {
  readonly asyncapi: string;
  readonly channels: Record<string, { readonly address: string; readonly messages: Record<string, unknown> }>;
  readonly operations: Record<string, { readonly messages: readonly unknown[] }>;
  readonly components: {
    readonly messages: Record<string, { readonly name: string; readonly payload: JsonSchema }>;
  };
}

const key = 'a key of services in tests';
let server: TestServer;
let openApi: OpenApi;
let asyncApi: AsyncApi;
let user: User;
let room: Room;

beforeAll(async () => {
  server = await TestServer.start({
    INTERNAL_SERVICE_KEY: key,
    SERVE_DEMO: '1',
    TURN_URLS: 'turn:127.0.0.1:3478',
    TURN_SHARED_SECRET: 'a secret of TURN in tests',
  });
  [openApi, asyncApi] = (await Promise.all(
    ['openapi', 'asyncapi'].map(async (name) => (await fetch(`${server.http}/${name}.json`)).json()),
  )) as [OpenApi, AsyncApi];
  user = await server.signIn();
  room = await server.createRoom(user);
});

afterAll(async () => {
  await server.stop();
});

function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === '$ref' && typeof one === 'string' ? [one] : references(one),
  );
}

/** One value that is as the schema says; `isFull`: with everything in it that may be there. */
function sampleOf(schema: JsonSchema, isFull: boolean): unknown {
  const { properties, required, anyOf, minimum, minLength, pattern } = schema;
  const type = Array.isArray(schema['type']) ? (schema['type'] as unknown[])[0] : schema['type'];
  const choices = (schema['const'] === undefined ? schema['enum'] : [schema['const']]) as
    unknown[] | undefined;
  if (choices !== undefined) return choices[0];
  if (Array.isArray(anyOf)) return sampleOf(anyOf[0] as JsonSchema, isFull);
  if (type === 'array') {
    const isNeeded = isFull || schema['minItems'] !== undefined;
    return isNeeded ? [sampleOf(schema['items'] as JsonSchema, isFull)] : [];
  }
  if (type === 'string') {
    const words = [
      'x'.repeat(Math.max(1, Number(minLength ?? 1))),
      'audio/opus',
      'AB:CD:'.repeat(16).slice(0, -1),
    ];
    const wanted = typeof pattern === 'string' ? new RegExp(pattern, 'i') : /./;
    return words.find((word) => wanted.test(word));
  }
  if (type === 'number' || type === 'integer') return Number(minimum ?? 0);
  if (type === 'boolean') return true;
  if (type === undefined) return 'anything';
  const wanted = new Set(required as string[] | undefined);
  return Object.fromEntries(
    Object.entries((properties ?? {}) as Record<string, JsonSchema>)
      .filter(([name]) => isFull || wanted.has(name))
      .map(([name, inside]) => [name, sampleOf(inside, isFull)]),
  );
}

describe('openapi.json', () => {
  /** As the document spells paths. */
  const documented = (): string[] => Object.keys(openApi.paths);

  test('[H17] tells of every route that is described, and of no other', () => {
    expect(openApi.openapi).toBe('3.1.0');
    const told = Object.entries(openApi.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(told.sort()).toEqual(Object.keys(operations).sort());
  });

  test('[H17] each path takes the methods that it says, and no others', async () => {
    for (const path of documented()) {
      const address = server.http + path.replaceAll(/\{\w+\}/g, 'some');
      const { status, headers } = await fetch(address, { method: 'PUT' });
      const allowed = (headers.get('allow') ?? '').toLowerCase().split(', ').sort();
      expect([path, status, allowed]).toEqual([path, 405, Object.keys(openApi.paths[path] ?? {}).sort()]);
    }
  });

  test('[H17] real answers are as it says', async () => {
    const bearer = { authorization: `Bearer ${user.id_token}` };
    const json = { ...bearer, 'content-type': 'application/json' };
    const post = { method: 'POST' };
    const listed = (await (
      await fetch(`${server.http}/rooms`, { ...post, headers: json, body: '{"access": "token"}' })
    ).json()) as {
      readonly roomId: string;
    };
    const peer = await server.join(room, 'ada', {}, user);
    peer.send({ type: 'chat_message', content: 'hello', id: 'c1' });
    await peer.expect({ type: 'chat_message', reply_to: 'c1' });
    const { sub } = JSON.parse(Buffer.from(user.id_token.split('.')[1] ?? '', 'base64url').toString()) as {
      sub: string;
    };
    const at = `/rooms/${room.room_id}`;
    const asked: readonly (readonly [path: string, template: string, status: number, init?: RequestInit])[] =
      [
        ['/anonymous-signin', '', 200, post],
        ['/create-room', '', 200, { ...post, headers: bearer }],
        ['/create-room', '', 401, { ...post, headers: { authorization: 'Bearer no' } }],
        ['/create-room', '', 422, post],
        ['/create-room', '', 400, { ...post, headers: json, body: '{"mode": "X"}' }],
        ['/create-room', '', 503, { ...post, headers: json, body: '{"mode": "SFU"}' }],
        ['/delete-peer', '', 200, { ...post, headers: json, body: '{"peer_id": "nobody"}' }],
        ['/delete-peer', '', 422, { ...post, headers: json, body: '{' }],
        ['/delete-peer', '', 400, { ...post, headers: json, body: new Uint8Array([0xff]) }],
        ['/delete-peer', '', 413, { ...post, headers: json, body: ' '.repeat(65_537) }],
        // The cookie is for the calls that say so.
        ['/create-room', '', 422, { ...post, headers: { cookie: `access_token=${user.id_token}` } }],
        ['/delete-peers-and-room', '', 200, { ...post, headers: json, body: '{"peer_id": "nobody"}' }],
        ['/health', '', 200],
        ['/healthz', '', 200],
        ['/readyz', '', 200],
        ['/metrics', '', 200, { headers: { accept: 'application/json' } }],
        ['/metrics', '', 200, { headers: { accept: 'text/plain' } }],
        ['/api/v1/webrtc/config', '', 200, { headers: bearer }],
        ['/webrtc/config', '', 401],
        ['/api/turn-credentials', '', 200],
        ['/ice-servers', '', 200],
        ['/api/turn/ice-servers', '', 401, { headers: { authorization: 'Bearer no' } }],
        ['/rooms', '', 200],
        ['/rooms?limit=0', '/rooms', 400],
        ['/rooms', '', 200, { ...post, headers: json, body: '{}' }],
        ['/rooms', '', 403, { ...post, headers: json, body: '{"hostUid": "somebody"}' }],
        [at, '/rooms/{id}', 200, { headers: bearer }],
        ['/rooms/none', '/rooms/{id}', 404, { headers: bearer }],
        [
          `/rooms/${listed.roomId}`,
          '/rooms/{id}',
          200,
          { method: 'PATCH', headers: json, body: '{"status": "playing"}' },
        ],
        [`/rooms/${listed.roomId}`, '/rooms/{id}', 400, { method: 'PATCH', headers: json, body: '{}' }],
        [`/rooms/${listed.roomId}`, '/rooms/{id}', 401, { method: 'DELETE' }],
        [`/rooms/${listed.roomId}`, '/rooms/{id}', 204, { method: 'DELETE', headers: bearer }],
        [`${at}/participants`, '/rooms/{id}/participants', 200, { headers: bearer }],
        [`/webrtc${at}/participants`, '/webrtc/rooms/{id}/participants', 200, { headers: bearer }],
        [`${at}/messages`, '/rooms/{id}/messages', 200, { headers: bearer }],
        [`/users/${sub}`, '/users/{uid}', 200, { headers: bearer }],
        ['/users/another', '/users/{uid}', 403, { headers: bearer }],
        [`/internal${at}`, '/internal/rooms/{id}', 200, { headers: { 'x-internal-service-key': key } }],
        [`/internal${at}`, '/internal/rooms/{id}', 403],
        ['/dashboard/data', '', 200],
        ['/dashboard/data', '', 403, { headers: { 'sec-fetch-site': 'cross-site' } }],
        ['/openapi.json', '', 200],
        ['/asyncapi.json', '', 200],
      ];
    const checked = new Set<string>();
    for (const [path, template, status, init = {}] of asked) {
      const response = await fetch(server.http + path, init);
      const { method = 'GET' } = init;
      const text = await response.text();
      expect([method, path, response.status, text]).toEqual([method, path, status, expect.anything()]);
      checked.add(`${method} ${template || path}`);
      const told = openApi.paths[template || path]?.[method.toLowerCase()]?.responses[String(status)];
      expect(told).toBeDefined();
      if (text === '') continue;
      const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
      expect([path, Object.keys(told?.content ?? {})]).toEqual([path, expect.arrayContaining([type])]);
      const schema = told?.content?.[type]?.schema;
      if (schema === undefined) continue;
      const { error } = closedSchema(schema).safeParse(JSON.parse(text));
      expect([method, path, status, error?.message]).toEqual([method, path, status, undefined]);
    }
    // Pages are held against their documents with a browser.
    const left = Object.keys(operations)
      .map((name) => name.replaceAll(/:(\w+)/g, '{$1}'))
      .filter((name) => !checked.has(name));
    expect(left).toEqual(['GET /demo', 'GET /dashboard', 'GET /reference', 'GET /web/{file}']);
  });

  test('[H17] a token comes as the cookie only where it is taken from there, and a body where one is needed', () => {
    const named = (wanted: (operation: OpenApi['paths'][string][string]) => boolean): string[] =>
      Object.entries(openApi.paths).flatMap(([path, methods]) =>
        Object.entries(methods).flatMap(([method, one]) => (wanted(one) ? [`${method} ${path}`] : [])),
      );
    const withoutCookie = named(
      ({ security = [] }) =>
        security.some((one) => 'user' in one) && !security.some((one) => 'cookie' in one),
    );
    const deletions = ['post /delete-peers-and-room', 'post /delete-peer'];
    expect(withoutCookie).toEqual(['post /create-room', ...deletions]);
    expect(named(({ requestBody }) => requestBody?.required === true)).toEqual([
      ...deletions,
      'patch /rooms/{id}',
    ]);
  });

  test('[H17] [H18] what the documents refer to is in them', () => {
    for (const document of [openApi, asyncApi]) {
      const broken = references(document).filter((reference) => {
        const [root, ...names] = reference.split('/');
        const found = names.reduce<unknown>((at, name) => (at as Frame | undefined)?.[name], document);
        return root !== '#' || found === undefined;
      });
      expect(broken).toEqual([]);
    }
  });

  test('[H17] what is not served is not told of', async () => {
    const other = await TestServer.start({ SERVE_DEMO: '0' });
    try {
      const { paths } = (await (await fetch(`${other.http}/openapi.json`)).json()) as OpenApi;
      expect(Object.keys(paths).filter((path) => /demo|internal/.test(path))).toEqual([]);
      expect((await fetch(`${other.http}/demo`)).status).toBe(404);
    } finally {
      await other.stop();
    }
  });
});

describe('asyncapi.json', () => {
  const names = (dialect: string, by: string): string[] =>
    Object.entries(asyncApi.components.messages)
      .filter(([id]) => id.startsWith(`${dialect}.${by}.`))
      .map(([, { name }]) => name)
      .sort();
  const hyphens = (kind: string): string => kind.replaceAll('_', '-');

  const nameOf = (dialect: string, { type }: Frame): string =>
    typeof type === 'string' ? type : dialect === 'flat' ? 'invalid_token' : 'error';

  /** Whether a frame of the server is told of, and as it is. */
  function fault(dialect: string, frame: Frame): string | undefined {
    const name = nameOf(dialect, frame);
    const payload = asyncApi.components.messages[`${dialect}.server.${name}`]?.payload;
    if (payload === undefined) return `${dialect}: ${name} is not told of`;
    const { error } = closedSchema(payload).safeParse(frame);
    return error === undefined ? undefined : `${dialect}: ${name}: ${error.message} ${JSON.stringify(frame)}`;
  }

  test('[H18] tells of every verb of each dialect, and of no other', () => {
    expect(asyncApi.asyncapi).toBe('3.0.0');
    expect(names('flat', 'client')).toEqual(
      [...flatVerbs.keys(), ...(signalWords.keys() as Iterable<string>)].sort(),
    );
    expect(names('gateway', 'client')).toEqual(kinds.flatMap(({ shape }) => [...shape.type.values]).sort());
    const webrtcKinds = ['offer', 'answer', 'ice_candidate', ...noticeNames.keys(), ...webrtcVerbs.keys()];
    expect(names('webrtc', 'client')).toEqual(webrtcKinds.map(hyphens).sort());
    expect(Object.values(asyncApi.channels).map(({ address }) => address)).toEqual([
      '/',
      '/signal/{roomId}',
      '/ws/webrtc/{room_id}',
    ]);
  });

  test('[H18] what it says that clients may send is understood: the least of it, and all of it', () => {
    const spoken: Readonly<Record<string, Dialect>> = { flat, gateway, webrtc };
    const scope = { roomId: asRoomId('room123'), now: () => 1_767_268_800_250 };
    const refused = Object.entries(asyncApi.components.messages).flatMap(([id, { payload }]) => {
      const [dialect = '', by] = id.split('.');
      if (by !== 'client') return [];
      return [sampleOf(payload, false), sampleOf(payload, true)].flatMap((frame) => {
        const heard = spoken[dialect]?.decode(Buffer.from(JSON.stringify(frame)), false, scope);
        const isUnderstood = heard !== undefined && 'command' in heard;
        return isUnderstood ? [] : [[id, frame, heard?.error.message]];
      });
    });
    expect(refused).toEqual([]);
  });

  test('[H18] tells of every event of each dialect as it is written, and of no other', () => {
    const voices: readonly (readonly [string, Dialect])[] = [
      ['flat', flat],
      ['gateway', gateway],
      ['gateway', gatewayWithPresence],
      ['webrtc', webrtc],
      ['webrtc', webrtcExtended],
    ];
    const scope = { roomId: asRoomId('room123'), now: () => 1_767_268_800_250 };
    const written = new Map<string, Set<string>>();
    const faults: string[] = [];
    for (const [dialect, spoken] of voices) {
      for (const { event, ask } of everyEvent(dialect)) {
        const text = spoken.encode(event, ask, scope);
        if (text === undefined) continue;
        const frame = JSON.parse(text.toString()) as Frame;
        const types = written.get(dialect) ?? new Set();
        written.set(dialect, types.add(nameOf(dialect, frame)));
        const found = fault(dialect, frame);
        if (found !== undefined) faults.push(found);
      }
    }
    expect(faults).toEqual([]);
    // What the frames are held against refuses what is not named, and misses what is.
    expect(fault('flat', { type: 'room_left', more: 1 })).toMatch(/more/);
    expect(fault('flat', { type: 'kicked', by: 'anna' })).toMatch(/reason/);
    expect(fault('webrtc', { type: 'unheard-of' })).toMatch(/not told of/);
    for (const dialect of ['flat', 'gateway', 'webrtc'])
      expect([...(written.get(dialect) ?? [])].sort()).toEqual(names(dialect, 'server'));
  });

  test('[H18] frames of real sessions in every dialect are as it says', async () => {
    const met = await server.createRoom(user);
    const query = (name: string): string =>
      new URLSearchParams({ token: user.id_token, room_token: met.token, peer_id: name }).toString();
    const full = await server.connect();
    const heard: (readonly [string, TestPeer])[] = [['flat', full]];
    full.send({ type: 'join_room', peer_id: 'full', ...met, id_token: user.id_token, id: '1' });
    const parity = await server.connect();
    parity.send({ type: 'register', peer_id: 'parity', ...met, id_token: user.id_token });
    heard.push(['flat', parity]);
    const paths = [
      ['gateway', `/signal/${met.room_id}?presence=1&${query('gate')}`],
      ['webrtc', `/ws/webrtc/${met.room_id}?resume=1&${query('web')}`],
      ['webrtc', `/ws/webrtc/${met.room_id}?${query('plain')}`],
    ] as const;
    const all: Frame[][] = [];
    for (const [dialect, path] of paths) heard.push([dialect, await server.connect(server.ws + path)]);
    const [, , [, gate], [, web]] = heard as [
      never,
      never,
      readonly [string, TestPeer],
      readonly [string, TestPeer],
    ];
    gate.send({ type: 'sdp', senderId: 'gate', sdp: { type: 'offer', sdp: 'v=0' } });
    gate.send({ type: 'nonsense' });
    web.send({ type: 'offer', payload: { sdp: 'v=0', type: 'offer' }, id: 'o1' });
    web.send({ type: 'hand-raise', payload: { raised: true } });
    web.send({ type: 'chat-message', payload: { content: 'hello' }, id: 'c1' });
    web.send({ type: 'nonsense', payload: {} });
    full.send({ type: 'candidate', candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 } });
    full.send({ type: 'sfu_get_router_capabilities', id: 's1' });
    full.send({ type: 'chat_history', id: 'h1' });
    parity.send({ type: 'discover_peers', from_peer_id: 'parity' });
    full.send({ type: 'kick', target: 'gate', reason: 'done', id: 'k1' });
    full.send({ type: 'leave_room', id: 'bye' });
    const untils: readonly ((frame: Frame) => boolean)[] = [
      ({ type }) => type === 'room_left',
      ({ type }) => type === 'peer_list',
      ({ type }) => type === 'kick',
      ({ type, payload }) => type === 'user-left' && (payload as Frame)['user_id'] === 'full',
      ({ type, payload }) => type === 'user-left' && (payload as Frame)['user_id'] === 'full',
    ];
    for (const [index, [, peer]] of heard.entries())
      all.push(await framesUntil(peer, untils[index] ?? (() => true)));
    const faults = all.flatMap((frames, index) =>
      frames.map((frame) => fault(heard[index]?.[0] ?? '', frame)),
    );
    expect(faults.filter((one) => one !== undefined)).toEqual([]);
    expect(faults.length).toBeGreaterThan(25);
  });
});

async function framesUntil(peer: TestPeer, isLast: (frame: Frame) => boolean): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (;;) {
    const frame = await peer.next();
    frames.push(frame);
    if (isLast(frame)) return frames;
  }
}
