/** Runs in the browser: one page, one peer of an SFU room. The tests talk to it through `window.call`. */
import { Device } from 'mediasoup-client';
import { RoomSession } from '../../../src/client/room-session.js';
import { SfuBridge, type Incoming } from '../../../src/client/sfu-bridge.js';

interface Wanted {
  readonly urls: readonly string[];
  readonly roomId: string;
  readonly token: string;
  readonly idToken: string;
  readonly peerId: string;
}

interface Stats {
  readonly producerId: string;
  readonly peerId: string;
  readonly kind: string;
  readonly framesDecoded: number;
  readonly audioSamples: number;
}

const media = new Map<string, Incoming>();
/** What the page was told, in the order of its coming. */
const told: string[] = [];
const said: string[] = [];
let session: RoomSession | undefined;

function play({ consumer, producerId }: Incoming): void {
  const element = document.createElement('video');
  element.id = producerId;
  element.autoplay = true;
  element.muted = true;
  element.srcObject = new MediaStream([consumer.track as MediaStreamTrack]);
  document.body.append(element);
}

async function join(wanted: Wanted): Promise<void> {
  session = await RoomSession.join({ ...wanted, openSocket: (url) => new WebSocket(url) });
  for (const type of ['room_mode_changed', 'sfu_restarted', 'error', 'user_joined', 'user_left']) {
    session.on(type, (frame) => {
      told.push(type === 'error' ? String(frame['code']) : type);
    });
  }
  session.on('chat_message', (frame) => {
    said.push(`${String(frame['sender'])}: ${String(frame['content'])}`);
  });
}

async function start(): Promise<void> {
  if (session === undefined) throw new Error('join first');
  const bridge = await SfuBridge.open(session, {
    newDevice: () => new Device(),
    onMedia: (incoming) => {
      media.set(incoming.producerId, incoming);
      play(incoming);
    },
    onMediaEnded: ({ producerId }) => {
      media.delete(producerId);
      document.getElementById(producerId)?.remove();
    },
    onInterrupted: (why) => told.push(`interrupted: ${why}`),
    onError: (error) => told.push(`failed: ${String(error)}`),
  });
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true,
    video: { width: 320, height: 240 },
  });
  for (const track of stream.getTracks()) await bridge.produce(track, { source: track.kind });
}

async function stats(): Promise<readonly Stats[]> {
  return Promise.all(
    [...media.values()].map(async ({ consumer, producerId, peerId, kind }) => {
      const report = await (consumer as unknown as { getStats(): Promise<RTCStatsReport> }).getStats();
      const inbound = [...report.values()].find((one: { type: string }) => one.type === 'inbound-rtp') as
        { framesDecoded?: number; totalSamplesReceived?: number } | undefined;
      return {
        producerId,
        peerId,
        kind,
        framesDecoded: inbound?.framesDecoded ?? 0,
        audioSamples: inbound?.totalSamplesReceived ?? 0,
      };
    }),
  );
}

/** Sees and hears the other one, through producers that are none of these. */
async function plays(old: readonly string[]): Promise<boolean> {
  const fresh = (await stats()).filter(({ producerId }) => !old.includes(producerId));
  const isSeen = fresh.some(({ framesDecoded }) => framesDecoded > 5);
  return isSeen && fresh.some(({ audioSamples }) => audioSamples > 1_000);
}

async function say(content: string): Promise<void> {
  await session?.request({ type: 'chat_message', content });
}

Object.assign(window, { call: { join, start, stats, plays, say, told, said } });
