/** The bridge between a full session and mediasoup-client, against the real server; what the browser does is played here. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import WebSocket from 'ws';
import type { Frame } from '../../src/client/frames.js';
import { RoomSession } from '../../src/client/room-session.js';
import { SfuBridge, type SfuBridgeOptions } from '../../src/client/sfu-bridge.js';
import { FakeMediaService } from '../support/fake-media-service.js';
import { PlayedDevice } from '../support/played-device.js';
import { TestServer, type Room, type User } from '../support/server.js';

let media: FakeMediaService;
let server: TestServer;
let maker: User;
let room: Room;
const sessions: RoomSession[] = [];
const bridges: SfuBridge[] = [];

beforeAll(async () => {
  media = await FakeMediaService.start();
  server = await TestServer.start({ MEDIA_SERVICE_URL: media.url, INTERNAL_SERVICE_KEY: media.key });
  maker = await server.signIn();
});
afterEach(async () => {
  media.fault = { kind: 'none' };
  for (const bridge of bridges.splice(0)) bridge.close();
  await Promise.all(sessions.splice(0).map((session) => session.leave()));
});
afterAll(async () => {
  await server.stop();
  await media.die();
});

interface Member {
  readonly session: RoomSession;
  readonly device: PlayedDevice;
  /** Those whose media it has. */
  readonly hears: Set<string>;
  readonly told: string[];
  readonly options: SfuBridgeOptions;
}

async function join(peerId: string, user: User = maker): Promise<Member> {
  const session = await RoomSession.join({
    urls: [server.ws],
    roomId: room.room_id,
    token: room.token,
    idToken: user.id_token,
    peerId,
    openSocket: (url) => new WebSocket(url),
  });
  sessions.push(session);
  const [device, hears, told] = [new PlayedDevice(), new Set<string>(), [] as string[]];
  const options: SfuBridgeOptions = {
    newDevice: () => device,
    onMedia: ({ producerId }) => hears.add(producerId),
    onMediaEnded: ({ producerId }) => hears.delete(producerId),
    onInterrupted: (why) => told.push(why),
    onError: (error) => told.push(String(error)),
  };
  return { session, device, hears, told, options };
}

async function open({ session, options }: Member): Promise<SfuBridge> {
  const bridge = await SfuBridge.open(session, options);
  bridges.push(bridge);
  return bridge;
}

/** `ada`, the host, is in it. */
async function openRoom(): Promise<Member> {
  room = await server.createRoom(maker);
  const ada = await join('ada');
  await setMode(ada, 'SFU');
  return ada;
}

async function setMode({ session }: Member, mode: string): Promise<void> {
  const told = next(session, 'room_mode_changed');
  await session.request({ type: 'set_room_mode', mode });
  await told;
}

function next(session: RoomSession, type: string): Promise<Frame> {
  return new Promise((resolve) => {
    const stop = session.on(type, (frame) => {
      stop();
      resolve(frame);
    });
  });
}

/** On a machine that others use too. */
const withinMs = 60_000;

async function until(isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`not within ${String(withinMs)} ms: ${isSo.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

const produced = (): number => media.rooms.get(room.room_id)?.producers.length ?? 0;

test('[M12] a producer that comes while the bridge opens is received', async () => {
  const [ada, ben] = [await openRoom(), await join('ben')];
  const sending = await open(ada);
  const release = ben.device.hold('load');
  const opening = open(ben);
  await ben.device.isHeld;
  const heard = next(ben.session, 'sfu_new_producer');
  await sending.produce('voice');
  await heard;
  release();
  await opening;
  await until(() => ben.hears.size === 1);
});

test('[M12] what is sent while the bridge begins anew is sent once', async () => {
  const [ada, ben] = [await openRoom(), await join('ben')];
  const bridge = await open(ada);
  await open(ben);
  const release = ada.device.hold('load');
  media.loseRouter(room.room_id);
  await ada.device.isHeld;
  const sent = bridge.produce('voice');
  release();
  await sent;
  await until(() => ben.hears.size > 0);
  expect(produced()).toBe(1);
});

test('[M12] what is ended while the bridge begins anew is not sent', async () => {
  const ada = await openRoom();
  const bridge = await open(ada);
  const end = await bridge.produce('voice');
  const release = ada.device.hold('produce');
  media.loseRouter(room.room_id);
  await ada.device.isHeld;
  end();
  release();
  await until(() => produced() === 0 && media.count('/producers/close') > 0);
  expect(ada.device.producing).toEqual([]);
});

test('[M12] a router that is lost while the bridge begins: all of it is of the next one', async () => {
  const [ada, ben] = [await openRoom(), await join('ben')];
  const sending = await open(ada);
  await sending.produce('voice');
  const release = ben.device.hold('load');
  const opening = open(ben);
  await ben.device.isHeld;
  const told = next(ben.session, 'sfu_restarted');
  media.loseRouter(room.room_id);
  await told;
  release();
  await opening;
  await until(() => ben.hears.size === 1);
  const things = [...(media.rooms.get(room.room_id)?.things.values() ?? [])].flatMap((set) => [...set]);
  expect(ben.device.open).toHaveLength(2);
  for (const { id } of ben.device.open) expect(things).toContain(id);
});

test('[M12] a room that becomes P2P while the bridge begins, and SFU again', async () => {
  const [ada, ben] = [await openRoom(), await join('ben')];
  const sending = await open(ada);
  await sending.produce('voice');
  const bridge = await open(ben);
  const release = ben.device.hold('load');
  media.loseRouter(room.room_id);
  await ben.device.isHeld;
  await setMode(ada, 'P2P');
  release();
  await setMode(ada, 'SFU');
  await until(() => ben.hears.size === 1);
  await bridge.produce('another');
  await until(() => ada.hears.size === 1);
});

test('[M12] a track that cannot be sent any more keeps no other from being sent', async () => {
  const [ada, ben] = [await openRoom(), await join('ben')];
  await open(ada);
  const bridge = await open(ben);
  await bridge.produce('ended later');
  await bridge.produce('voice');
  await until(() => ada.hears.size === 2);
  ben.device.refused = 'ended later';
  media.loseRouter(room.room_id);
  await until(() => ben.told.includes('restarted'));
  await until(() => ada.hears.size === 1 && produced() === 1);
  expect(ben.told).toContain('Error: track ended');
});

test('[M12] who closes the bridge while it opens leaves nothing open', async () => {
  const ada = await openRoom();
  const bridge = await open(ada);
  const release = ada.device.hold('load');
  media.loseRouter(room.room_id);
  await ada.device.isHeld;
  bridge.close();
  release();
  await until(() => ada.device.made === 4 && ada.device.open.length === 0);
});

test('[M8] [M12] a service that only hung: what there is goes on, and what could not be had is had afterwards', async () => {
  const ada = await openRoom();
  const others: Member[] = [];
  for (const name of ['ben', 'carl', 'dora']) others.push(await join(name));
  const [ben] = others;
  if (ben === undefined) throw new Error('nobody is there');
  const sending = await open(ada);
  await sending.produce('voice');
  await open(ben);
  await until(() => ben.hears.size === 1);
  media.fault = { kind: 'hang' };
  await until(() => ben.told.includes('unavailable'));
  const late = sending.produce('another');
  await expect(late).rejects.toThrow();
  media.fault = { kind: 'nonsense', path: '/consumers' };
  while (produced() < 2) await sending.produce('another').catch(() => undefined);
  await until(() => media.count('/consumers') > 1);
  media.fault = { kind: 'none' };
  await until(() => ben.hears.size === 2);
  expect(ben.device.made).toBe(2);
});
