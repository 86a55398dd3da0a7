/** Names that every object has, wherever a name, a key or a type is expected. */
import { RawSocket, opcodes, rawFrame } from './raw-socket.mjs';
import { repeat, seated } from './swarm.mjs';

const names = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'length',
  'valueOf',
  'then',
];
const verbs = [
  'register',
  'join_room',
  'leave_room',
  'heartbeat',
  'ack',
  'offer',
  'answer',
  'candidate',
  'webrtc_offer',
  'discover_peers',
  'update_metadata',
  'peer_message',
  'kick',
  'transfer_host',
  'refresh_token',
  'chat_message',
  'chat_history',
  'set_room_mode',
  'sfu_join',
  'sfu_produce',
  ...names,
];
const fields = [
  'peer_id',
  'room_id',
  'target',
  'sender',
  'id',
  'to',
  'metadata',
  'payload',
  'content',
  'count',
  'resume',
  'filters',
  'token',
];
const values = [
  ...names.map((name) => JSON.stringify(name)),
  '{"__proto__":{"isAdmin":true,"role":"host"}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '1e999',
  '-0',
  '123456789012345678901234567890',
  '"\\ud800"',
  '{"length":-1}',
  '{"length":4294967296}',
  `${'['.repeat(60)}${']'.repeat(60)}`,
];
const rooms = ['/rooms/', '/users/', '/internal/rooms/'];

export const attack = {
  what: 'every verb, field and HTTP path with the names that every object has, numbers out of range, lone surrogates and keys that come twice',
  stoppedBy: 'T7',
  settings: () => ({ RATE_UPGRADES_PER_IP: '0' }),
  async run(target, terms) {
    let frames = 0;
    let turnedAway = 0;
    const statuses = {};
    await Promise.all([
      repeat(4, terms, 16, async (n) => {
        const socket = await seated(target, names[n % names.length], {
          extra: { metadata: { ['__proto__']: 1 } },
        }).catch(() => undefined);
        // One of them may have sent another one out of the room.
        if (socket === undefined) {
          turnedAway += 1;
          return;
        }
        const burst = [];
        for (let k = 0; k < 100; k += 1) {
          const at = n * 100 + k;
          const field = fields[at % fields.length];
          const value = values[Math.floor(at / fields.length) % values.length];
          const verb = verbs[at % verbs.length];
          burst.push(
            rawFrame(
              opcodes.text,
              `{"type":"${verb}","${field}":${value},"${field}":${value},"__proto__":{"type":"offer"}}`,
            ),
          );
        }
        socket.write(Buffer.concat(burst));
        frames += burst.length;
        await Promise.race([socket.closed, new Promise((resolve) => setTimeout(resolve, 100))]);
        socket.drop();
      }),
      repeat(2, terms, 24, async (n) => {
        const name = encodeURIComponent(names[n % names.length]);
        for (const path of [
          rooms[n % 3] + name,
          `/rooms?status=${name}&limit=${name}`,
          `/webrtc/config?${name}=1`,
        ]) {
          const response = await fetch(target.http + path, {
            headers: { authorization: `Bearer ${target.idTokens[0]}` },
          });
          await response.arrayBuffer();
          statuses[response.status] = (statuses[response.status] ?? 0) + 1;
        }
        const body = `{"peer_id":"${names[n % names.length]}","__proto__":{"room_id":"x"},"room_id":${values[n % values.length]}}`;
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
        const response = await fetch(`${target.http}/delete-peer`, init);
        await response.arrayBuffer();
        statuses[response.status] = (statuses[response.status] ?? 0) + 1;
      }),
    ]);
    return { frames, 'turned away': turnedAway, ...statuses };
  },
};
