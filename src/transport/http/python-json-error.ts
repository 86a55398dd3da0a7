/**
 * What CPython's json module says of text that is not JSON. Clients of the Python server are shown its words and
 * its character offsets, so they are part of the wire.
 *
 * The order of the checks is that of the C scanner of CPython 3.11 (`Modules/_json.c`); later versions word a
 * trailing comma differently. NaN and Infinity are not JSON here (D7). No recursion: nesting costs heap, not stack.
 */
export interface JsonFault {
  readonly message: string;
  /** In code points from the start of the text, as Python counts. */
  readonly offset: number;
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;
const constant = /null|true|false/y;
const hexDigits = /[0-9a-fA-F]{4}/y;
const escapable = new Set('"\\/bfnrt');

/** Thrown inside the scanner only, with an offset in UTF-16 units. */
class Fault extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** Where a match of the sticky `pattern` at `at` ends; `at` itself when there is none. */
function past(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** `at` is the opening quote; returns where the string ends. */
function pastString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const char = text[at];
    if (char === undefined) throw new Fault('Unterminated string starting at', start);
    if (char === '"') return at + 1;
    if (char !== '\\') {
      if (char < ' ') throw new Fault('Invalid control character at', at);
      at += 1;
      continue;
    }
    const escape = text[at + 1];
    if (escape === undefined) throw new Fault('Unterminated string starting at', start);
    if (escape === 'u') {
      const end = past(hexDigits, text, at + 2);
      // The scanner wants one more character behind the digits, or calls the escape itself bad.
      if (end === at + 2 || end >= text.length) throw new Fault('Invalid \\uXXXX escape', at + 1);
      at = end;
    } else {
      if (!escapable.has(escape)) throw new Fault('Invalid \\escape', at);
      at += 2;
    }
  }
}

/** A key with its colon and the space around; returns where the value must start. */
function pastKey(text: string, at: number): number {
  if (text[at] !== '"') throw new Fault('Expecting property name enclosed in double quotes', at);
  const colon = past(space, text, pastString(text, at));
  if (text[colon] !== ':') throw new Fault("Expecting ':' delimiter", colon);
  return past(space, text, colon + 1);
}

function pastScalar(text: string, at: number): number {
  if (text[at] === '"') return pastString(text, at);
  const end = Math.max(past(number, text, at), past(constant, text, at));
  if (end === at) throw new Fault('Expecting value', at);
  return end;
}

/** Reads one value; returns where it ends. `open` holds the closing brackets that are still owed. */
function pastValue(text: string, start: number): number {
  const open: ('}' | ']')[] = [];
  let at = start;
  for (;;) {
    const opener = text[at];
    if (opener === '{' || opener === '[') {
      const closer = opener === '{' ? '}' : ']';
      at = past(space, text, at + 1);
      if (text[at] !== closer) {
        open.push(closer);
        if (closer === '}') at = pastKey(text, at);
        continue;
      }
      at += 1;
    } else {
      at = pastScalar(text, at);
    }
    // A value has ended: close what it closes, up to the comma before the next one.
    for (;;) {
      const closer = open.at(-1);
      if (closer === undefined) return at;
      at = past(space, text, at);
      if (text[at] === closer) {
        open.pop();
        at += 1;
        continue;
      }
      if (text[at] !== ',') throw new Fault("Expecting ',' delimiter", at);
      at = past(space, text, at + 1);
      if (closer === '}') at = pastKey(text, at);
      break;
    }
  }
}

/** The first fault of the text; `undefined` when it is JSON after all. */
export function pythonJsonError(text: string): JsonFault | undefined {
  try {
    const end = past(space, text, pastValue(text, past(space, text, 0)));
    if (end < text.length) throw new Fault('Extra data', end);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { message: error.message, offset: Array.from(text.slice(0, error.at)).length };
  }
}
