/** From the bytes of a frame to text, as CPython's `json.loads` reads bytes. */

const utf8 = new TextDecoder('utf-8', { fatal: true });
const utf16Little = new TextDecoder('utf-16le', { fatal: true });
const utf16Big = new TextDecoder('utf-16be', { fatal: true });

/**
 * The text of a frame, or `undefined` when it is none. A text frame was checked for UTF-8 by the WebSocket layer and
 * keeps a byte order mark (which makes it malformed JSON, w09); a binary frame may be UTF-8, -16 or -32, with or
 * without one (json.detect_encoding in CPython's json/__init__.py).
 */
export function frameText(bytes: Buffer, isBinary: boolean): string | undefined {
  if (!isBinary) return bytes.toString('utf8');
  try {
    return decodeBinary(bytes);
  } catch {
    // TextDecoder says "not this encoding" by throwing; there is nothing more to know.
    return undefined;
  }
}

function decodeBinary(bytes: Buffer): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return utf32(bytes.subarray(4), false);
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) return utf32(bytes.subarray(4), true);
  if (a === 0xfe && b === 0xff) return utf16Big.decode(bytes);
  if (a === 0xff && b === 0xfe) return utf16Little.decode(bytes);
  // Without a mark the zeros of the first characters, ASCII in any JSON, give the width away.
  if (bytes.length >= 4 && a === 0) return b === 0 ? utf32(bytes, false) : utf16Big.decode(bytes);
  if (bytes.length >= 4 && b === 0)
    return c === 0 && d === 0 ? utf32(bytes, true) : utf16Little.decode(bytes);
  if (bytes.length === 2 && a === 0) return utf16Big.decode(bytes);
  if (bytes.length === 2 && b === 0) return utf16Little.decode(bytes);
  return utf8.decode(bytes);
}

function utf32(bytes: Buffer, little: boolean): string | undefined {
  if (bytes.length % 4 !== 0) return undefined;
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const point = little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
