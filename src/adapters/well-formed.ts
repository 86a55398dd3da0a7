/** The same with U+FFFD for each half of a surrogate pair: those cannot be said in UTF-8, but in JSON with escapes. */
export function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
