/**
 * The hostile peer, in a process of its own: what it costs to send and to mask is not the server's. Is told what to do by
 * its parent, answers with what came of it, and ends with its parent.
 */
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

import { hostileFrames } from './frames.mjs';

/** The server closes 4400 after so many in a row. */
const inARow = 32;

/**
 * Masks with zeros: what is sent need not be copied first, so that 400 MB cost the sender next to nothing. The server
 * unmasks all the same.
 */
const generateMask = (mask) => mask.fill(0);

/** One connection: comes in, throws what it may, and waits for the end. */
class HostileSocket {
  #socket;
  /** @type {(frame: Record<string, unknown>) => void} */
  #onFrame = () => {};
  errors = 0;
  /** @type {string[]} */
  surprises = [];

  constructor(url) {
    this.#socket = new WebSocket(url, { perMessageDeflate: false, generateMask });
    this.closed = once(this.#socket, 'close').then(([code]) => code);
    this.#socket.on('error', () => {}); // 'close' follows and tells
    this.#socket.on('message', (data) => this.#onFrame(JSON.parse(data.toString())));
  }

  /** Resolves when it sits in the room. */
  async join({ hello, welcomeType }) {
    // Before the socket opens: a welcome may come in one piece with the answer to the upgrade.
    const welcomed = new Promise((resolve, reject) => {
      this.#onFrame = (frame) => {
        if (frame.type === welcomeType) resolve(undefined);
        else if (isError(frame)) reject(new Error(`not let in: ${JSON.stringify(frame)}`));
      };
    });
    welcomed.catch(() => {}); // whoever waits for it below is told
    await once(this.#socket, 'open');
    if (hello !== undefined) this.#socket.send(hello);
    await Promise.race([
      welcomed,
      this.closed.then((code) => Promise.reject(new Error(`not let in: closed ${code}`))),
    ]);
    this.#onFrame = (frame) => {
      if (isError(frame)) this.errors += 1;
      // Others come and go, and this one itself came: whoever asked for that is told.
      else if (!isPresence(frame)) this.surprises.push(JSON.stringify(frame).slice(0, 200));
    };
  }

  /** In as few writes as the kernel takes. */
  send(frames) {
    this.#socket._socket.cork();
    for (const { data } of frames) this.#socket.send(data, { binary: false });
    this.#socket._socket.uncork();
  }
}

const isError = ({ type, error }) => type === 'error' || typeof error === 'string';
const isPresence = ({ type }) => /^(user|peer|room)[_-](joined|left|disconnecting|resumed|state)$/.test(type);

/** All on one socket, without waiting for anything, and not again when it is closed. */
async function attackOnce({ url, join, dialect, count, bigEvery }) {
  const frames = hostileFrames(dialect, bigEvery, inARow);
  const volley = Array.from({ length: count }, () => frames.next().value);
  const socket = new HostileSocket(url);
  await socket.join(join);
  socket.send(volley);
  const code = await socket.closed;
  const kinds = {};
  for (const { kind } of volley) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return {
    sent: count,
    errors: socket.errors,
    unanswered: inARow - socket.errors,
    sockets: 1,
    closes: { [code]: 1 },
    kinds,
    surprises: socket.surprises.slice(0, 5),
  };
}

/** Frames for one socket: to the end of its patience, or to the first that is too big. */
function nextVolley(frames, left) {
  const volley = [];
  while (volley.length < Math.min(inARow, left)) {
    volley.push(frames.next().value);
    if (volley.at(-1).kind === '2 MB') break;
  }
  return volley;
}

/** Comes again whenever its socket is closed, until all are sent. */
async function attackAgain({ url, join, dialect, count, bigEvery, perSecond }) {
  const startedAt = performance.now();
  const frames = hostileFrames(dialect, bigEvery);
  const result = { sent: 0, errors: 0, unanswered: 0, sockets: 0, closes: {}, kinds: {}, surprises: [] };
  while (result.sent < count) {
    const aheadMs = perSecond === 0 ? 0 : (result.sent / perSecond) * 1000 - (performance.now() - startedAt);
    if (aheadMs > 0) await sleep(aheadMs);
    const socket = new HostileSocket(url);
    await socket.join(join);
    const volley = nextVolley(frames, count - result.sent);
    socket.send(volley);
    const isWhole = volley.length === inARow || volley.at(-1).kind === '2 MB';
    // What is left at the end is too little to be closed for: one more that is too big ends it.
    if (!isWhole) socket.send([hostileFrames(dialect, 1).next().value]);
    const code = await socket.closed;
    const answerable = volley.filter(({ kind }) => kind !== '2 MB').length;
    result.sent += volley.length;
    result.errors += socket.errors;
    result.unanswered += answerable - socket.errors;
    result.sockets += 1;
    result.closes[code] = (result.closes[code] ?? 0) + 1;
    for (const { kind } of volley) result.kinds[kind] = (result.kinds[kind] ?? 0) + 1;
    result.surprises.push(...socket.surprises);
  }
  return { ...result, surprises: result.surprises.slice(0, 5) };
}

// Where cores are few, it must not take them from who is measured.
setPriority(constants.priority.PRIORITY_LOW);
process.on('message', (orders) => {
  const attack = orders.again ? attackAgain : attackOnce;
  attack(orders).then(
    (result) => process.send?.({ result }),
    (error) => process.send?.({ error: error.message }),
  );
});
process.once('disconnect', () => process.exit(0));
