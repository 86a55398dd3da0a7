/** Looks for what no log may have. */

export interface Hit {
  /** What it looks like; never what it is. */
  readonly kind: string;
}

/** What gives itself away by its shape. */
const shapes: readonly (readonly [kind: string, form: RegExp])[] = [
  ['a JWT', /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/],
  ['SDP', /v=0(\\r|\\n|\r|\n)|a=(ice-pwd|ice-ufrag|fingerprint):/],
  ['an ICE candidate', /candidate:\S{1,64} \d+ (udp|tcp) /i],
  ['a cookie', /access_token=[\w.-]{8,}/],
  ['a Bearer token', /\bBearer [\w.~+/=-]{12,}/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a password in an address', /\b\w+:\/\/[^\s"/@:]*:[^\s"/@]+@/],
];

/**
 * Room tokens are six hex digits, and so may be a number, or the end of a made-up name: they count where they stand alone and
 * are no number.
 */
const shortToken = /(?<![\w~-])[\da-f]{6}(?![\w-])/g;
const prefixChars = 8;

/** What random frames say in every field, so that it is a token here and a room's name there. Nobody makes tokens of it. */
const oddWords = new Set([...Object.getOwnPropertyNames(Object.prototype), 'arguments', 'prototype']);
const oneCharacter = /^(.)\1*$/su;

export class Search {
  readonly #short = new Map<string, string>();
  readonly #byPrefix = new Map<string, (readonly [kind: string, text: string])[]>();

  /** `known`: what tests were given, by its kind. */
  constructor(known: Iterable<readonly [kind: string, value: string]>) {
    for (const [kind, value] of known) this.#add(kind, value);
  }

  #add(kind: string, value: string): void {
    if (oddWords.has(value) || oneCharacter.test(value)) return;
    if (value.length < prefixChars) {
      // Shorter ones are no secrets: tests say `x`.
      if (/^[\da-f]{6}$/.test(value)) this.#short.set(value, kind);
      return;
    }
    // What people say is often said by logs too.
    if (kind === 'content' && value.length < 16) return;
    // As JSON has it, within a line.
    const text = JSON.stringify(value).slice(1, -1);
    const prefix = text.slice(0, prefixChars);
    const all = this.#byPrefix.get(prefix);
    if (all === undefined) this.#byPrefix.set(prefix, [[kind, text]]);
    else all.push([kind, text]);
  }

  /** What is in this line of a log. */
  in(line: string): Hit[] {
    const hits: Hit[] = [];
    for (const [kind, form] of shapes) if (form.test(line)) hits.push({ kind });
    if (this.#short.size > 0) {
      for (const { 0: word, index } of line.matchAll(shortToken)) {
        const kind = this.#short.get(word);
        const isNumber = /^\d+$/.test(word) && line[index - 1] === ':';
        if (kind !== undefined && !isNumber) hits.push({ kind });
      }
    }
    for (let at = 0; at + prefixChars <= line.length; at += 1) {
      const all = this.#byPrefix.get(line.slice(at, at + prefixChars));
      for (const [kind, text] of all ?? []) if (line.startsWith(text, at)) hits.push({ kind });
    }
    return hits;
  }
}
