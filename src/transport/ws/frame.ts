/** Server-to-client WebSocket frames (RFC 6455 section 5.2): final, unmasked, without extensions. */

const textOpcode = 0x81;
const pingOpcode = 0x89;

/** A ping without a payload; one buffer serves every socket. */
export const pingFrame = Buffer.from([pingOpcode, 0]);

/** Bytes that the header of a text frame takes. */
export function headerBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65_536 ? 4 : 10;
}

/** Writes the header of a text frame; returns the offset behind it. */
export function writeHeader(target: Buffer, at: number, payloadBytes: number): number {
  target[at] = textOpcode;
  if (payloadBytes < 126) {
    target[at + 1] = payloadBytes;
    return at + 2;
  }
  if (payloadBytes < 65_536) {
    target[at + 1] = 126;
    target.writeUInt16BE(payloadBytes, at + 2);
    return at + 4;
  }
  target[at + 1] = 127;
  target.writeUInt32BE(0, at + 2);
  target.writeUInt32BE(payloadBytes, at + 6);
  return at + 10;
}
