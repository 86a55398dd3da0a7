/** Offers of compression, and frames that are compressed although nobody agreed to it. */
import { deflateRawSync } from 'node:zlib';
import { RawSocket, opcodes, rawFrame } from './raw-socket.mjs';
import { repeat, tally } from './swarm.mjs';

const offers = Array.from(
  { length: 200 },
  () => 'permessage-deflate; server_max_window_bits=15; client_max_window_bits; server_no_context_takeover',
).join(', ');
const bomb = deflateRawSync(Buffer.alloc(10_485_760), { level: 9 });

export const attack = {
  what: 'upgrades that offer permessage-deflate 200 times, then a frame of 10 KiB that would inflate to 10 MiB',
  stoppedBy: 'V24',
  settings: () => ({ RATE_UPGRADES_PER_IP: '0' }),
  async run({ wsPort }, terms) {
    const codes = [];
    let agreed = 0;
    const sent = await repeat(20, terms, 60, async () => {
      const socket = await RawSocket.upgrade(wsPort, {
        headers: [`Sec-WebSocket-Extensions: ${offers.slice(0, 12_000)}`],
      });
      if (/sec-websocket-extensions/i.test(socket.text)) agreed += 1;
      socket.write(rawFrame(opcodes.text, bomb, { isCompressed: true }));
      await socket.until(() => socket.closeCode !== 0);
      codes.push(socket.closeCode);
      socket.drop();
    });
    return { bombs: sent, 'agreed to compress': agreed, 'closed 1002': tally(codes)[1002] ?? 0 };
  },
};
