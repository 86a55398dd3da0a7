/** Leaves room for ` (999)` and `.part` within the 255 bytes that file systems allow. */
const maxNameBytes = 200;

/**
 * Turns the name that a peer announced into one that is safe to create in the output folder: the last part of a
 * path of either slash, without control and direction-override characters, at most 200 bytes; `file` when nothing
 * is left. It never names another folder.
 */
export function safeFileName(announced: string): string {
  const last = announced.split(/[/\\]/).at(-1) ?? '';
  const clean = wellFormed(last)
    .replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim();
  if (/^\.*$/.test(clean)) return 'file';
  return shorten(clean);
}

/** `clip.tar` and 2 make `clip (2).tar`; 0 leaves the name as it is. */
export function numberedName(name: string, number: number): string {
  if (number === 0) return name;
  const { stem, extension } = splitName(name);
  return `${stem} (${String(number)})${extension}`;
}

function shorten(name: string): string {
  if (Buffer.byteLength(name) <= maxNameBytes) return name;
  const { stem, extension } = splitName(name);
  const kept = Buffer.byteLength(extension) <= 20 ? extension : '';
  const room = maxNameBytes - Buffer.byteLength(kept);
  // Cutting bytes may leave half a character, which decodes to U+FFFD.
  const cut = Buffer.from(kept === '' ? name : stem).subarray(0, room);
  return cut.toString().replace(/\ufffd+$/, '') + kept;
}

/** The extension begins at the last dot, but a leading dot begins none. */
function splitName(name: string): { readonly stem: string; readonly extension: string } {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? { stem: name, extension: '' } : { stem: name.slice(0, dot), extension: name.slice(dot) };
}

/** Half a surrogate pair cannot be encoded in a file name. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
