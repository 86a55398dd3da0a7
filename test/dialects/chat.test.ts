/** Golden frames of chat and of rooms' modes, in the dialects that have words for them. No server. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Dialect, Scope } from '../../src/dialects/dialect.js';
import { flat } from '../../src/dialects/flat/flat.js';
import { gateway, gatewayWithPresence } from '../../src/dialects/gateway/gateway.js';
import { webrtcEntrance } from '../../src/dialects/webrtc/webrtc-entrance.js';
import {
  webrtc,
  webrtcExtended,
  webrtcSnake,
  webrtcSnakeExtended,
} from '../../src/dialects/webrtc/webrtc.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId, asRoomId } from '../../src/protocol/ids.js';
import type { Ask, Event } from '../../src/protocol/messages.js';
import { later, modeByHost, modeBySize, said } from '../support/dialect-events.js';

const readme = readFileSync('src/dialects/README.md', 'utf8');
const scope: Scope = { roomId: asRoomId('room123'), now: () => 1_000 };

function decoded(dialect: Dialect, frame: object): ReturnType<Dialect['decode']> {
  return dialect.decode(Buffer.from(JSON.stringify(frame)), false, scope);
}

/** The command, or why there is none. */
function read(dialect: Dialect, frame: object): unknown {
  const reading = decoded(dialect, frame);
  return 'command' in reading ? reading.command : [reading.error.code, reading.error.message];
}

function write(dialect: Dialect, event: Event, ask?: Ask): string | undefined {
  return dialect.encode(event, ask, scope)?.toString();
}

const chat: Event = { type: 'chat', message: said };
const page: Event = { type: 'chat_page', roomId: said.roomId, messages: [said, later], next: said.seq };
const lastPage: Event = { ...page, messages: [], next: undefined };
const ask = (verb: string): Ask => ({ verb, id: 'm1', answered: false });

const first =
  '"id":"m1","room_id":"room123","sender":"anna","senderId":"anna","content":"hello",' +
  '"timestamp":1767268800250,"createdAt":"2026-01-01T12:00:00.250Z","seq":1767268800250007';
const second =
  '"id":"m2","room_id":"room123","sender":"anna","senderId":"anna","content":"bye",' +
  '"timestamp":1767268801250,"createdAt":"2026-01-01T12:00:01.250Z","seq":1767268801250007';

describe('flat', () => {
  test.each<[object, object]>([
    [
      { type: 'chat_message', content: 'hello' },
      { type: 'chat', content: 'hello' },
    ],
    [
      { type: 'chat-message', content: 'hello', id: 'm1' },
      { type: 'chat', content: 'hello', id: 'm1' },
    ],
    [
      { type: 'chat_message', content: ' ', sender: 'anna', target: null },
      { type: 'chat', content: ' ', by: 'anna' },
    ],
    [
      { type: 'chat_message', content: 'hello', senderId: 7, room: 'x' },
      { type: 'chat', content: 'hello', by: '\u00017' },
    ],
    [{ type: 'chat_history' }, { type: 'chat_history' }],
    [
      { type: 'chat_history', before: said.seq, limit: 500 },
      { type: 'chat_history', before: said.seq, limit: 500 },
    ],
    [{ type: 'chat_history', before: null, limit: null }, { type: 'chat_history' }],
    [
      { type: 'set_room_mode', mode: 'SFU' },
      { type: 'set_mode', mode: 'SFU' },
    ],
    [
      { type: 'set_room_mode', mode: 'p2p', sender: 'anna' },
      { type: 'set_mode', mode: 'P2P', by: 'anna' },
    ],
  ])('[Q1] [Q8] [O1] %j is read', (frame, command) => {
    expect(read(flat, frame)).toEqual(command);
  });

  test.each<[object, string, string]>([
    [{ type: 'chat_message' }, 'MISSING_FIELDS', 'Missing: content.'],
    [{ type: 'chat_message', content: '' }, 'INVALID_MESSAGE', 'content must be a non-empty string.'],
    [{ type: 'chat_message', content: ['x'] }, 'INVALID_MESSAGE', 'content must be a non-empty string.'],
    [{ type: 'chat_message', content: 'x', sender: '' }, 'INVALID_MESSAGE', 'sender must name a peer.'],
    [
      { type: 'chat_message', content: 'x', id: '' },
      'INVALID_MESSAGE',
      'id is empty: name the message, or leave it out.',
    ],
    [
      { type: 'chat_message', content: 'x', to: 'bert' },
      'INVALID_MESSAGE',
      'to is refused: chat goes to the whole room. Leave it out, or send a peer_message.',
    ],
    [
      { type: 'chat_history', before: '1' },
      'INVALID_MESSAGE',
      'before must be a whole number, at least 0, or be left out.',
    ],
    [
      { type: 'chat_history', limit: 0 },
      'INVALID_MESSAGE',
      'limit must be a whole number, at least 1, or be left out.',
    ],
    [{ type: 'set_room_mode', mode: 'mesh' }, 'INVALID_MESSAGE', 'mode must be one of P2P, SFU.'],
    [{ type: 'set_room_mode' }, 'INVALID_MESSAGE', 'mode must be one of P2P, SFU.'],
  ])('[Q4] %j is refused by name', (frame, ...refusal) => {
    expect(read(flat, frame)).toEqual(refusal);
  });

  test.each([5, null, 'x'.repeat(65), {}])('[Q3] the id %j is refused as that of any request', (id) => {
    expect(decoded(flat, { type: 'chat_message', content: 'x', id })).toHaveProperty('ask.unquotable', true);
  });

  test('[Q10] resume may bring the seq of the last chat message', () => {
    const join = (claim: object): unknown =>
      read(flat, {
        type: 'join_room',
        room_id: 'r',
        resume: { session_id: 's', resume_token: 't', count: 3, ...claim },
      });
    expect(join({ chat_seq: said.seq })).toMatchObject({
      resume: { sessionId: 's', token: 't', count: 3, chatSeq: said.seq },
    });
    expect(join({})).not.toHaveProperty('resume.chatSeq');
    expect(join({ chat_seq: -1 })).toEqual([
      'INVALID_MESSAGE',
      'chat_seq must be a whole number, at least 0, or be left out.',
    ]);
  });

  test.each<[Event, string | undefined, string]>([
    [chat, undefined, `{"type":"chat_message",${first}}`],
    [chat, 'chat_message', `{"type":"chat_message",${first},"reply_to":"m1"}`],
    [
      page,
      'chat_history',
      `{"type":"chat_history","messages":[{${first}},{${second}}],"next":1767268800250007,"reply_to":"m1"}`,
    ],
    [lastPage, undefined, '{"type":"chat_history","messages":[],"next":null}'],
    [modeByHost, undefined, '{"type":"room_mode_changed","mode":"SFU","reason":"host","by":"anna"}'],
    [modeBySize, undefined, '{"type":"room_mode_changed","mode":"SFU","reason":"size","by":null}'],
  ])('[Q1] [Q8] [O3] %j', (event, verb, text) => {
    expect(write(flat, event, verb === undefined ? undefined : ask(verb))).toBe(text);
  });

  test.each<[Event, string | undefined]>([
    [chat, undefined],
    [chat, 'chat_message'],
    [page, 'chat_history'],
    [modeByHost, undefined],
  ])('[Q1] the wire reference shows %j as it is', (event, verb) => {
    const text = write(flat, event, verb === undefined ? undefined : ask(verb));
    expect(readme.split('\n')).toContain(`< ${text ?? 'nothing'}`);
  });

  test('[Q1] a sender whose name is no text keeps it', () => {
    const message: ChatMessage = { ...said, from: asPeerId('\u00017') };
    expect(JSON.parse(write(flat, { type: 'chat', message }) ?? '')).toMatchObject({
      sender: 7,
      senderId: 7,
    });
  });
});

describe('webrtc', () => {
  const plain =
    '"message_id":"m1","id":"m1","user_id":"anna","username":"anna","content":"hello","text":"hello",' +
    '"timestamp":"2026-01-01T12:00:00.250Z","message_type":"text"';
  const stamp = '"sender_id":"anna","room_id":"room123","timestamp":"2026-01-01T12:00:00.250Z"';
  const placed = `${plain},"seq":1767268800250007`;

  test.each<[object, object]>([
    [{ payload: { content: 'hello' } }, {}],
    [{ payload: { text: 'hello' } }, {}],
    [{ payload: { content: null, text: 'hello', id: null }, id: 'm3' }, { id: 'm3' }],
    [{ payload: { content: 'hello', text: 'not', id: 'm2' }, id: 'm3' }, { id: 'm2' }],
    [{ payload: { content: 'hello', message_id: 'm1', id: 'm2' } }, { id: 'm1' }],
    [{ payload: { content: 'hello', user_id: 'eve', reply_to: 'm0' }, sender_id: 'eve' }, {}],
  ])('[Q1] [W5] chat-message %j is chat', (frame, id) => {
    for (const type of ['chat-message', 'chat_message']) {
      expect(read(webrtc, { type, ...frame })).toEqual({ type: 'chat', content: 'hello', ...id });
    }
  });

  test.each<[object, string, string]>([
    [{ content: 7 }, 'content', 'content must be a non-empty string.'],
    [{ text: '' }, 'content', 'content must be a non-empty string.'],
    [
      { text: 'x', id: 7 },
      'message_id',
      'message_id must be a string of 1 to 64 characters, or be left out.',
    ],
    [
      { text: 'x', message_id: 'x'.repeat(65) },
      'message_id',
      'message_id must be a string of 1 to 64 characters, or be left out.',
    ],
    [
      { text: 'x', target_user_id: 'bert' },
      'target_user_id',
      'target_user_id is refused: chat goes to the whole room. Leave it out.',
    ],
  ])('[Q4] [Q13] chat-message with %j is refused by name', (payload, field, text) => {
    const reading = decoded(webrtc, { type: 'chat-message', payload });
    expect(reading).toMatchObject({ error: { code: 'INVALID_MESSAGE', fields: { [field]: [text] } } });
  });

  test('[Q8] chat-history is read', () => {
    expect(read(webrtcExtended, { type: 'chat-history', payload: { before: 9, limit: 2 } })).toEqual({
      type: 'chat_history',
      before: 9,
      limit: 2,
    });
    expect(decoded(webrtc, { type: 'chat_history', payload: { limit: 1.5 } })).toHaveProperty(
      'error.fields.limit',
    );
  });

  test('[Q1] S4’s clients are told in S4’s words, and what they said themselves not again', () => {
    expect(write(webrtc, chat)).toBe(`{"type":"chat-message","payload":{${plain}},${stamp}}`);
    expect(write(webrtcSnake, chat)).toBe(`{"type":"chat_message","payload":{${plain}},${stamp}}`);
    expect(write(webrtc, chat, ask('chat-message'))).toBeUndefined();
    expect(readme.split('\n')).toContain(`< ${write(webrtc, chat) ?? ''}`);
  });

  test('[Q1] who asked for more is told its place, and its own as the answer', () => {
    const text = `{"type":"chat-message","payload":{${placed}},${stamp}}`;
    expect(write(webrtcExtended, chat)).toBe(text);
    expect(write(webrtcExtended, chat, ask('chat-message'))).toBe(`${text.slice(0, -1)},"reply_to":"m1"}`);
    expect(write(webrtcSnakeExtended, chat)).toBe(text.replace('chat-message', 'chat_message'));
  });

  test('[Q8] a page of the history is told to who asks', () => {
    const history = {
      type: 'chat-history',
      payload: { messages: [{ seq: said.seq }, { seq: later.seq }], next: said.seq },
      sender_id: null,
    };
    expect(JSON.parse(write(webrtcExtended, page) ?? '')).toMatchObject(history);
    expect(JSON.parse(write(webrtc, page, ask('chat-history')) ?? '')).toMatchObject(history);
    expect(JSON.parse(write(webrtc, lastPage, ask('chat-history')) ?? '')).toHaveProperty('payload', {
      messages: [],
      next: null,
    });
  });

  test('[Q10] the address may bring the seq of the last chat message', () => {
    const enter = (query: string): unknown =>
      webrtcEntrance('r', new URLSearchParams(`resume=1&session_id=s&resume_token=t&count=3${query}`)).hello;
    expect(enter('&chat_seq=1767268800250007')).toHaveProperty('command.resume.chatSeq', said.seq);
    expect(enter('')).not.toHaveProperty('command.resume.chatSeq');
    for (const text of ['x', '-1', '9999999999999999', '1e3']) {
      expect(enter(`&chat_seq=${text}`)).toHaveProperty('error.fields.chat_seq');
    }
  });
});

test('[X3] gateway clients have no word for chat, and say none', () => {
  for (const dialect of [gateway, gatewayWithPresence]) {
    for (const type of ['chat_message', 'chat-message', 'chat_history', 'set_room_mode']) {
      expect(decoded(dialect, { type, senderId: 'anna', content: 'x' })).toHaveProperty('error');
    }
    expect([chat, page, modeByHost].map((event) => write(dialect, event))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  }
});

test('[Q1] whatever is said is told as it was, and who said it is nowhere but in its name', () => {
  const content = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(content, fc.string({ minLength: 1, maxLength: 64 }), (text, id) => {
      expect(read(flat, { type: 'chat_message', content: text, id })).toEqual({
        type: 'chat',
        content: text,
        id,
      });
      const event: Event = { type: 'chat', message: { ...said, content: text, id } };
      const written = [flat, webrtc, webrtcExtended].map((dialect) => write(dialect, event) ?? '');
      const [inFlat, ...others] = written.map((frame) => JSON.parse(frame) as Record<string, unknown>);
      expect(inFlat).toMatchObject({ content: text, id });
      for (const other of others) {
        expect(other['payload']).toMatchObject({ content: text, text, id, message_id: id });
      }
      expect(written.join().replaceAll(JSON.stringify(text), '')).not.toContain(said.sub);
    }),
  );
});
