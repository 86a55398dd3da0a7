/** Close frames that are wrong, that come twice, before other things, or are never answered. */
import { RawSocket, opcodes, rawFrame, said } from './raw-socket.mjs';
import { repeat, tally } from './swarm.mjs';

const goodbye = (code) => rawFrame(opcodes.close, Buffer.from([code >> 8, code & 255]));
const garbage = Buffer.alloc(300_000, 0xff);
const games = [
  goodbye(1000),
  Buffer.concat([goodbye(1000), goodbye(1000), said({ type: 'heartbeat' })]),
  goodbye(1005),
  goodbye(999),
  rawFrame(opcodes.close, Buffer.from([3])),
  rawFrame(opcodes.close, Buffer.concat([Buffer.from([3, 232]), Buffer.from([0xff, 0xfe])])),
  rawFrame(opcodes.close, Buffer.alloc(126)),
  rawFrame(3),
  rawFrame(opcodes.ping, Buffer.alloc(126)),
  Buffer.from([0x81, 0x01, 0x61]),
  Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  Buffer.concat([goodbye(1000), garbage]),
  garbage,
];

export const attack = {
  what: 'goodbyes with bad codes and texts, twice, or before 300 KB of noise; unmasked, reserved and endless frames',
  stoppedBy: 'T11',
  settings: () => ({ RATE_UPGRADES_PER_IP: '0' }),
  async run({ wsPort }, terms) {
    const codes = [];
    const sent = await repeat(20, terms, 2 * games.length, async (n) => {
      const socket = await RawSocket.upgrade(wsPort);
      socket.write(games[n % games.length]);
      await socket.until(() => socket.closeCode !== 0);
      codes.push(socket.closeCode);
      // Every third one stays, and never answers the goodbye.
      if (n % 3 !== 0) socket.drop();
    });
    const { 0: none = 0, ...others } = tally(codes);
    return {
      sockets: sent,
      ...Object.fromEntries(Object.entries(others).map(([code, count]) => [`closed ${code}`, count])),
      'without a goodbye': none,
    };
  },
};
