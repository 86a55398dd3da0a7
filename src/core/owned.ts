/** Bytes as they came are a view of all that was read at once: kept for long, they must not hold all of that. */
export function owned(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > 2 * bytes.length ? Buffer.from(bytes) : bytes;
}
