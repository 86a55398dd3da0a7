/** One text as one line without tabs; equal lines are equal texts. */
export function toLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

export function fromLine(line: string): string {
  const text = parseJson(`"${line}"`);
  if (typeof text !== 'string') throw new Error('a text in Redis has another form');
  return text;
}

/** `-`, or the text's line with `+` before it. */
export function toOptionalLine(text: string | undefined): string {
  return text === undefined ? '-' : `+${toLine(text)}`;
}

export function fromOptionalLine(line: string): string | undefined {
  if (line === '-') return undefined;
  if (!line.startsWith('+')) throw new Error('a text in Redis has another form');
  return fromLine(line.slice(1));
}

/** `JSON.parse` quotes what it cannot read, and that is nobody's to log. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('a text in Redis is not JSON');
  }
}

export function parseNumber(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new Error('a number in Redis has another form');
  return Number(text);
}
