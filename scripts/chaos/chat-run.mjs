/** One seeded run of people who chat, from the first process to the verdict. */
import { ChatService } from './chat-service.mjs';
import { judgeChat } from './chat-verdict.mjs';
import { ChatVoice } from './chat-voice.mjs';
import { Mayhem } from './mayhem.mjs';
import { allFaults, makePlan } from './plan.mjs';
import { Random } from './random.mjs';
import { Scene } from './scene.mjs';
import { pause, until } from './timing.mjs';

const rooms = 2;
/** Beside the chat: offers and candidates of one pair in each room. */
const relayRate = 20;
const pageSize = 200;
const settleMs = 40_000;
/** What comes late and should not is still seen. */
const quietMs = 2_500;

/** @param {{ seed: number, seconds: number, nodes: number, clients: number, rate: number, entry: string, logs?: string }} options */
export async function chatRun({ seed, seconds, nodes, clients, rate, entry, logs }) {
  const service = await ChatService.start();
  const env = {
    CHAT_SERVICE_URL: service.url,
    INTERNAL_SERVICE_KEY: service.key,
    RATE_CHATS_PER_SESSION: '1000',
    CHAT_FLUSH_MS: '300',
  };
  const own = logs === undefined ? {} : { logs };
  const scene = new Scene({ entry, nodes, redis: true, rate: relayRate, env, label: `chat${seed}-`, ...own });
  const voices = [];
  try {
    await scene.start();
    const startedAtMs = performance.now();
    const opened = await seat(scene, { seed, nodes, clients }, voices);
    for (const voice of voices) voice.speak(rate);
    const residents = voices.map(({ client }) => client);
    const mayhem = new Mayhem(scene, opened, residents);
    const plan = makePlan({ seed, seconds, nodes, rooms, clients: residents.length, faults: allFaults });
    const moods = trouble(service, new Random(seed + 0xc4a7));
    await mayhem.run(plan);
    await moods.end();
    scene.traffic.stop();
    for (const voice of voices) voice.hush();
    await until(() => voices.every(({ waiting, client }) => waiting.size === 0 && client.isIn), settleMs);
    await pause(quietMs);
    const histories = await readAll(scene, opened);
    const { counts, cases } = judgeChat(voices, histories);
    const at = (ms) => Number(((ms - startedAtMs) / 1000).toFixed(2));
    const events = [...mayhem.events.filter(({ kind }) => kind !== 'cut'), ...moods.events]
      .sort((a, b) => a.fromMs - b.fromMs)
      .map(({ kind, fromMs, toMs }) => ({ kind, from: at(fromMs), to: at(toMs) }));
    const { repeats } = service;
    const crashes = scene.nodes.reduce((sum, node) => sum + node.crashes, 0);
    const resumes = residents.reduce((sum, { stats }) => sum + stats.resumes, 0);
    const freshStarts = scene.ledger.freshStarts.length;
    return { seed, counts, cases, events, crashes, repeats, resumes, freshStarts };
  } finally {
    for (const voice of voices) voice.close();
    await scene.close();
    service.close();
  }
}

async function seat(scene, { seed, nodes, clients }, voices) {
  const random = new Random(seed + 0x5eed);
  const opened = [];
  for (let room = 0; room < rooms; room += 1) opened.push(await scene.openRoom());
  for (let index = 0; index < Math.max(clients, 2 * rooms); index += 1) {
    const client = await scene.join(`c${index}`, opened[index % rooms], random.whole(0, nodes - 1));
    voices.push(new ChatVoice(client));
  }
  for (let room = 0; room < rooms; room += 1)
    scene.traffic.between(voices[room].client, voices[room + rooms].client);
  return opened;
}

/** The Chat Service is out of order now and then, and never so long that two other faults fall into it. */
function trouble(service, random) {
  const events = [];
  let isOver = false;
  const going = (async () => {
    while (!isOver) {
      await pause(random.whole(1_000, 4_000));
      if (isOver) return;
      const mood = random.pick(['refuses', 'hangs']);
      const event = { kind: `chat-service-${mood}`, fromMs: performance.now(), toMs: 0 };
      service.be(mood);
      await pause(random.whole(200, 1_200));
      service.be('well');
      event.toMs = performance.now();
      events.push(event);
    }
  })();
  return {
    events,
    end() {
      isOver = true;
      return going;
    },
  };
}

/** Every page of each room, from each node. */
async function readAll(scene, opened) {
  const histories = new Map();
  for (const room of opened) {
    const idToken = await scene.signIn();
    histories.set(
      room.room_id,
      await Promise.all(scene.nodes.map((node) => readHistory(node, room, idToken))),
    );
  }
  return histories;
}

async function readHistory(node, { room_id: roomId, token }, idToken) {
  const found = [];
  let before = '';
  for (;;) {
    const url = `${node.http}/rooms/${roomId}/messages?limit=${pageSize}&room_token=${token}${before}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${idToken}` } });
    if (response.status === 429) {
      await pause(1000 * Number(response.headers.get('retry-after')));
      continue;
    }
    if (!response.ok)
      throw new Error(`the history on ${node.name}: ${response.status} ${await response.text()}`);
    const { messages, next } = await response.json();
    found.unshift(...messages.map(({ sender, id, seq, content }) => ({ sender, id, seq, content })));
    if (next === null || next === undefined) return found;
    before = `&before=${next}`;
  }
}
