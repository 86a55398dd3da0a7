/** As many peers as a room takes, and some more, each with as much to show as it may, and changing that all the time. */
import { RawSocket, said } from './raw-socket.mjs';
import { gather, repeat } from './swarm.mjs';

export const attack = {
  what: '300 peers for a room of 256, each with 4,000 characters of metadata, which they change as fast as they may; 2,000 names',
  stoppedBy: 'F8, F10, L7',
  async run({ wsPort, room, idTokens }, terms) {
    const { scale } = terms;
    const metadata = { x: 'm'.repeat(4_000) };
    const hello = (name, type) => said({ type, peer_id: name, ...room, id_token: idTokens[0], metadata });
    const sockets = await gather(Math.max(20, Math.round(300 * scale)), async (n) => {
      const socket = await RawSocket.upgrade(wsPort);
      socket.write(hello(`${n}`.padStart(128, 'n'), 'join_room'));
      await socket.until(() => /"(room_joined|error)"/.test(socket.text));
      return socket;
    });
    const seats = sockets.filter(({ text }) => text.includes('"room_joined"')).length;
    await repeat(1, terms, 200, async (n) => {
      const at = n % sockets.length;
      const name = `${at}`.padStart(128, 'n');
      sockets[at].write(
        said({ type: 'update_metadata', peer_id: name, metadata: { x: `${n}`.repeat(400) } }),
      );
      await new Promise((resolve) => setTimeout(resolve, 1));
    });
    for (const socket of sockets) socket.drop();
    // One socket that takes one name after another: those of parity peers stay taken.
    const names = Math.round(2_000 * scale);
    const taker = await RawSocket.upgrade(wsPort);
    for (let n = 0; n < names; n += 1) {
      taker.write(hello(`${n}`.padStart(128, 'p'), 'register'));
      if (n % 20 === 0) await taker.drained();
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    taker.drop();
    return { peers: sockets.length, 'let in': seats, names };
  },
};
