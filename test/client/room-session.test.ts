/** The full session that browsers and Node hold, against the real server. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import WebSocket from 'ws';
import { RequestLost, RequestRefused, type Frame } from '../../src/client/frames.js';
import { RoomSession, type RoomSessionOptions } from '../../src/client/room-session.js';
import { TestServer, type Room } from '../support/server.js';

let server: TestServer;
let room: Room;
const sockets: WebSocket[] = [];
const sessions: RoomSession[] = [];

beforeAll(async () => {
  server = await TestServer.start();
  room = await server.createRoom();
});

afterAll(async () => {
  await Promise.all(sessions.map((session) => session.leave()));
  await server.stop();
});

async function join(peerId: string, options: Partial<RoomSessionOptions> = {}): Promise<RoomSession> {
  const { id_token: idToken } = await server.signIn();
  const session = await RoomSession.join({
    urls: [server.ws],
    roomId: room.room_id,
    token: room.token,
    idToken,
    peerId,
    openSocket: (url) => {
      const socket = new WebSocket(url);
      sockets.push(socket);
      return socket;
    },
    ...options,
  });
  sessions.push(session);
  return session;
}

function next(session: RoomSession, type: string): Promise<Frame> {
  return new Promise((resolve) => {
    const stop = session.on(type, (frame) => {
      stop();
      resolve(frame);
    });
  });
}

describe('a session of the client', () => {
  test('[F1] joins, is told of others, and says goodbye', async () => {
    const ada = await join('ada-1');
    expect(ada.peerId).toBe('ada-1');
    const arrival = next(ada, 'user_joined');
    const ben = await join('ben-1');
    expect(await arrival).toMatchObject({ peer_id: 'ben-1' });
    const leaving = next(ada, 'user_left');
    await ben.leave();
    expect(await leaving).toMatchObject({ peer_id: 'ben-1', reason: 'left' });
    expect(await ben.ended).toBe('left');
  });

  test('[Q3] what the next session of the same user says is not taken for what the last one said', async () => {
    const { id_token: idToken } = await server.signIn();
    const say = async (content: string): Promise<unknown> => {
      const session = await join('ida-1', { idToken });
      const { content: said } = await session.request({ type: 'chat_message', content });
      await session.leave();
      return said;
    };
    expect([await say('before'), await say('after')]).toEqual(['before', 'after']);
  });

  test('[Q1] asks and is answered; a refusal carries its code', async () => {
    const ada = await join('ada-2');
    expect(await ada.request({ type: 'chat_message', content: 'hello' })).toMatchObject({
      type: 'chat_message',
      content: 'hello',
      sender: 'ada-2',
    });
    const refused = ada.request({ type: 'set_room_mode', mode: 'SFU' });
    await expect(refused).rejects.toBeInstanceOf(RequestRefused);
    await expect(refused).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE', retryable: true });
  });

  test("[Q3] two sessions of one peer do not take each other's messages for repeats", async () => {
    const user = await server.signIn();
    const said: unknown[] = [];
    for (const content of ['first', 'second']) {
      const ada = await join('ada-twice', { idToken: user.id_token });
      said.push((await ada.request({ type: 'chat_message', content }))['content']);
      await ada.leave();
    }
    expect(said).toEqual(['first', 'second']);
  });

  test('[S2] [Q10] goes on over another socket when one breaks, and misses nothing', async () => {
    const ada = await join('ada-3');
    const own = sockets.at(-1);
    const ben = await join('ben-3');
    const resumed = next(ada, 'resumed');
    const heard = next(ada, 'chat_message');
    own?.terminate();
    await ben.request({ type: 'chat_message', content: 'while you were away' });
    expect(await resumed).toMatchObject({ resumed: true, peer_id: 'ada-3' });
    expect(await heard).toMatchObject({ content: 'while you were away' });
  });

  test('a request that nobody can answer any more is lost, and says so', async () => {
    const ada = await join('ada-4');
    const asked = ada.request({ type: 'ack', count: 0 });
    const lost = expect(asked).rejects.toBeInstanceOf(RequestLost);
    await ada.leave();
    await lost;
  });

  test('while a socket is opening nothing is said, and nothing throws; whoever leaves is out at once', async () => {
    // It takes connections and never says a word.
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const opened: WebSocket[] = [];
    let openedAgain: () => void = () => undefined;
    const isOpening = new Promise<void>((resolve) => {
      openedAgain = resolve;
    });
    try {
      const ada = await join('ada-8', {
        openSocket: (url) => {
          const socket = new WebSocket(opened.length === 0 ? url : `ws://127.0.0.1:${String(port)}`);
          if (opened.push(socket) > 1) openedAgain();
          return socket;
        },
      });
      opened[0]?.terminate();
      await isOpening;
      expect(opened[1]?.readyState).toBe(WebSocket.CONNECTING);
      ada.send({ type: 'heartbeat' });
      const asked = expect(ada.request({ type: 'heartbeat' })).rejects.toBeInstanceOf(RequestLost);
      await ada.leave();
      expect(await ada.ended).toBe('left');
      await asked;
    } finally {
      for (const socket of opened) socket.terminate();
      silent.close();
    }
  });

  test('what the server refuses for good is not tried again', async () => {
    const joining = join('ada-5', { token: 'wrong' });
    await expect(joining).rejects.toMatchObject({ name: 'RequestRefused', code: 'INVALID_ROOM_TOKEN' });
  });

  test('who is refused for a while is told why, when that is over', async () => {
    const small = await TestServer.start({ MAX_PEERS_PER_ROOM: '1' });
    try {
      const { room_id: roomId, token } = await small.createRoom();
      const of = async (peerId: string, timeoutMs?: number): Promise<RoomSession> => {
        const { id_token: idToken } = await small.signIn();
        return join(peerId, { urls: [small.ws], roomId, token, idToken, ...(timeoutMs && { timeoutMs }) });
      };
      const ada = await of('ada-9');
      await expect(of('ben-9', 3_000)).rejects.toMatchObject({ name: 'RequestRefused', code: 'ROOM_FULL' });
      await ada.leave();
    } finally {
      await small.stop();
    }
  });

  test('a server that is not there is given up in time', async () => {
    const joining = join('ada-6', { urls: ['ws://127.0.0.1:9'], timeoutMs: 300 });
    await expect(joining).rejects.toBeInstanceOf(RequestLost);
  });

  test('[S8] when the session cannot go on it begins anew, and says so', async () => {
    const short = await TestServer.start({ GRACE_MS: '0' });
    try {
      const { room_id: roomId, token } = await short.createRoom();
      const { id_token: idToken } = await short.signIn();
      const ada = await join('ada-7', { urls: [short.ws], roomId, token, idToken });
      const restarted = next(ada, 'restarted');
      sockets.at(-1)?.terminate();
      expect(await restarted).toMatchObject({ resumed: false, peers: [] });
      await ada.leave();
    } finally {
      await short.stop();
    }
  });
});
