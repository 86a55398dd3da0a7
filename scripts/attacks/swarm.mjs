import { RawSocket, said } from './raw-socket.mjs';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Does it again and again, so many at a time, until the seconds are over or `most` were done. */
export async function repeat(atOnce, seconds, run, most = Infinity) {
  const endsAt = performance.now() + seconds * 1000;
  let done = 0;
  const one = async () => {
    while (performance.now() < endsAt && done < most) {
      done += 1;
      await run(done);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return done;
}

/** So many, each made after those before it. */
export async function gather(count, make) {
  const made = [];
  for (let n = 0; n < count; n += 1) made.push(await make(n));
  return made;
}

/** How many of each. */
export function tally(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Waits until all of them are gone, at most so long; how many are not. */
export async function outlast(sockets, seconds) {
  await Promise.race([Promise.all(sockets.map((socket) => socket.closed)), pause(seconds * 1000)]);
  return sockets.filter((socket) => socket.isOpen).length;
}

/** A socket that sits in the attacker's own room. @param {'join_room' | 'register'} [type] */
export async function seated(
  { wsPort, room, idTokens },
  name,
  { type = 'join_room', from, extra = {} } = {},
) {
  const socket = await RawSocket.upgrade(wsPort, { from });
  socket.write(said({ type, peer_id: name, ...room, id_token: idTokens[0], ...extra }));
  await socket.until(() => /"(room_joined|registered_auth|error)"|"error":/.test(socket.text));
  if (!/"(room_joined|registered_auth)"/.test(socket.text))
    throw new Error(`not let in: ${socket.text.slice(-300)}`);
  return socket;
}

/** An address of the loopback network: each is a client of its own to the server. */
export const addressOf = (n) => `127.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
