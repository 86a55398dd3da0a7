import { maskedFrame } from './peer.mjs';

/** Sizes of real traffic: an offer of a browser with audio, video and a data channel, and a trickled candidate. */
const offerBytes = 2575;
const candidateBytes = 251;
const digits = 10;
/** `"seq":"0000000000"}` ends every message, so the digits are found from the end whatever comes before. */
const tailOf = (key) => `,"${key}":"${'0'.repeat(digits)}"}`;
const digitsFromEnd = digits + 2;

const sdpLine = 'a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n';
const candidateText =
  'candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 192.0.2.17 rport 46154';

function message(kind, sender, target, tail, bytes) {
  const to = target === undefined ? '' : `"target":${JSON.stringify(target)},`;
  const head = `{"type":"${kind}","sender":${JSON.stringify(sender)},${to}`;
  const wrap = (filler) =>
    kind === 'offer'
      ? `${head}"sdp":${JSON.stringify(`v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n${filler}`)}${tail}`
      : `${head}"candidate":{"candidate":${JSON.stringify(candidateText + filler)},"sdpMid":"0","sdpMLineIndex":0}${tail}`;
  const missing = bytes - wrap('').length;
  if (missing < 0) throw new Error('the names of the peers are too long for the message sizes');
  if (kind !== 'offer') return Buffer.from(wrap(' '.repeat(missing)));
  const escaped = JSON.stringify(sdpLine).length - 2;
  const lines = sdpLine.repeat(Math.floor(missing / escaped));
  return Buffer.from(wrap(lines + 'x'.repeat(missing % escaped)));
}

/** An endless, numbered flow of one peer's messages: each tenth is an offer, the others are candidates. */
export class Flow {
  #templates;
  #mask;
  #next = 0;

  /**
   * @param {string | undefined} target no target: to everybody else in the room
   * @param {string} [key] the field that has the number; with `id` a full session gets receipts
   */
  constructor(sender, target, mask, key = 'seq') {
    this.#mask = mask;
    const make = (kind, bytes) => {
      const payload = message(kind, sender, target, tailOf(key), bytes);
      return { payload, frame: maskedFrame(payload, mask) };
    };
    const offer = make('offer', offerBytes);
    const candidate = make('candidate', candidateBytes);
    this.#templates = Array.from({ length: 10 }, (_, i) => (i === 0 ? offer : candidate));
  }

  get sent() {
    return this.#next;
  }

  /** @returns {Buffer} the next `count` messages as masked frames in one buffer */
  take(count) {
    let bytes = 0;
    for (let i = 0; i < count; i += 1) bytes += this.#templates[(this.#next + i) % 10].frame.length;
    const out = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let i = 0; i < count; i += 1) {
      const { payload, frame } = this.#templates[this.#next % 10];
      frame.copy(out, at);
      at += frame.length;
      let number = this.#next;
      for (let digit = digits - 1; number > 0; digit -= 1) {
        const place = payload.length - digitsFromEnd + digit;
        out[at - payload.length + place] = (0x30 + (number % 10)) ^ this.#mask[place & 3];
        number = Math.floor(number / 10);
      }
      this.#next += 1;
    }
    return out;
  }

  /** @returns the message's number, or -1 when these are not the bytes that this flow sent under that number */
  numberOf(buffer, start, end) {
    let number = 0;
    for (let at = end - digitsFromEnd; at < end - 2; at += 1) number = number * 10 + (buffer[at] - 0x30);
    const payload = this.#templates[number % 10]?.payload;
    if (payload === undefined || payload.length !== end - start) return -1;
    const fixed = payload.length - digitsFromEnd;
    return buffer.compare(payload, 0, fixed, start, start + fixed) === 0 ? number : -1;
  }
}
