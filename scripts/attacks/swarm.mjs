import { RawSocket, said } from './raw-socket.mjs';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What has not come about by then does not on this machine. Nothing is judged by half of an attack. */
export const patienceS = 120;

/**
 * Does it again and again, so many at a time: until the seconds are over, or, where turns count, so often, however long
 * that takes.
 * @param {number} atOnce @param {import('./assault.mjs').Terms} terms @param {number} turns in all
 * @param {(turn: number) => unknown} run @returns {Promise<number>} how often
 */
export async function repeat(atOnce, { seconds, isCounted }, turns, run) {
  const endsAt = performance.now() + (isCounted ? patienceS : seconds) * 1000;
  const most = isCounted ? turns : Infinity;
  let done = 0;
  const one = async () => {
    while (performance.now() < endsAt && done < most) {
      done += 1;
      await run(done);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  if (isCounted && done < most)
    throw new Error(`only ${done} of ${most} turns within ${patienceS} s: this machine is too busy`);
  return done;
}

/** Looks again and again until it is so. @param {string} what for the error @param {() => unknown} isSo */
export async function settled(what, isSo) {
  const endsAt = performance.now() + patienceS * 1000;
  while (!(await isSo())) {
    if (performance.now() > endsAt) throw new Error(`not within ${patienceS} s: ${what}`);
    await pause(20);
  }
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
