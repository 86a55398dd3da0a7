/**
 * Node-to-node letters on the wire. A batch is what one node says to another in one turn of its event loop:
 *
 *     u8 version | u8 n, n bytes origin | u8 flags | u48 first | u48 base | u48 had | u48 sentAtMs | letters
 *     letter: u8 kind | u32 n, n bytes head (JSON) | u32 n, n bytes body
 *
 * `first` is the number of the first letter, `base` the oldest that its sender could still repeat, `had` the last
 * one of the other direction that was had, `sentAtMs` when its sender wrote the first letter. Parsed strictly: what is not exactly this is no batch.
 * Nodes of two versions do not hear each other: who changes the form changes the number, and says so to who upgrades (infra/README.md).
 */
import { asNodeId, type NodeId } from './ids.js';

const version = 2;

export const letterKinds = [
  'void',
  'signal',
  'message',
  'delivered',
  'refused',
  'returned',
  'ask',
  'answer',
  'media',
] as const;
export type LetterKind = (typeof letterKinds)[number];

export interface Letter {
  readonly kind: LetterKind;
  /** JSON; what it says depends on the kind. */
  readonly head: string;
  readonly body: Buffer;
}

export interface BatchHeader {
  readonly origin: NodeId;
  /** A letter was missed: everything behind `had` is to be said again. */
  readonly isComplaint: boolean;
  /** What was had must be said. */
  readonly isQuestion: boolean;
  readonly first: number;
  readonly base: number;
  readonly had: number;
  /** Unix milliseconds by the sender's clock; 0: it has no letters. For figures only. */
  readonly sentAtMs: number;
}

export interface Batch extends BatchHeader {
  readonly letters: readonly Letter[];
}

const empty = Buffer.alloc(0);
const scratch = Buffer.allocUnsafeSlow(262_144);
const complaintFlag = 1;
const questionFlag = 2;
const numberBytes = 6;
const numberCount = 4;

/** So many bytes a letter takes in a batch, but for the length of its head in UTF-8, which is guessed from above. */
export function letterBytes({ head, body }: Letter): number {
  return 9 + 3 * head.length + body.length;
}

/**
 * Writes a batch; `origin` is ASCII of at most 255 characters. The bytes are good until the next batch is written: what
 * is large enough to be kept off the heap costs a full collection every few thousand times.
 */
export function writeBatch(header: BatchHeader, letters: readonly Letter[]): Buffer {
  let most = 3 + header.origin.length + numberCount * numberBytes;
  for (const letter of letters) most += letterBytes(letter);
  const out = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  out[0] = version;
  out[1] = header.origin.length;
  let at = 2 + out.write(header.origin, 2, 'latin1');
  out[at] = (header.isComplaint ? complaintFlag : 0) + (header.isQuestion ? questionFlag : 0);
  at += 1;
  const { first, base, had, sentAtMs } = header;
  for (const number of [first, base, had, sentAtMs]) at = out.writeUIntBE(number, at, numberBytes);
  for (const { kind, head, body } of letters) {
    out[at] = letterKinds.indexOf(kind);
    const headLength = out.write(head, at + 5);
    out.writeUInt32BE(headLength, at + 1);
    at = out.writeUInt32BE(body.length, at + 5 + headLength);
    at += body.copy(out, at);
  }
  return out.subarray(0, at);
}

/** Of a node that writes them otherwise: the number that it has put in front, `undefined` when it is ours. */
export function foreignVersion(bytes: Buffer): number | undefined {
  return bytes[0] === version ? undefined : bytes[0];
}

/** Reads a batch; bodies are views of `bytes`. `undefined`: it is none. */
export function readBatch(bytes: Buffer): Batch | undefined {
  const originEnd = 2 + (bytes[1] ?? 0);
  const headerEnd = originEnd + 1 + numberCount * numberBytes;
  if (bytes[0] !== version || originEnd === 2 || bytes.length < headerEnd) return undefined;
  const flags = bytes.readUInt8(originEnd);
  if (flags > complaintFlag + questionFlag) return undefined;
  const letters = readLetters(bytes, headerEnd);
  if (letters === undefined) return undefined;
  return {
    origin: asNodeId(bytes.toString('latin1', 2, originEnd)),
    isComplaint: (flags & complaintFlag) !== 0,
    isQuestion: (flags & questionFlag) !== 0,
    first: bytes.readUIntBE(originEnd + 1, numberBytes),
    base: bytes.readUIntBE(originEnd + 1 + numberBytes, numberBytes),
    had: bytes.readUIntBE(originEnd + 1 + 2 * numberBytes, numberBytes),
    sentAtMs: bytes.readUIntBE(originEnd + 1 + 3 * numberBytes, numberBytes),
    letters,
  };
}

function readLetters(bytes: Buffer, from: number): Letter[] | undefined {
  const letters: Letter[] = [];
  let at = from;
  while (at < bytes.length) {
    const kind = letterKinds[bytes.readUInt8(at)];
    if (kind === undefined || at + 5 > bytes.length) return undefined;
    const headEnd = at + 5 + bytes.readUInt32BE(at + 1);
    if (headEnd + 4 > bytes.length) return undefined;
    const bodyEnd = headEnd + 4 + bytes.readUInt32BE(headEnd);
    if (bodyEnd > bytes.length) return undefined;
    const head = bytes.toString('utf8', at + 5, headEnd);
    const body = bodyEnd === headEnd + 4 ? empty : bytes.subarray(headEnd + 4, bodyEnd);
    letters.push({ kind, head, body });
    at = bodyEnd;
  }
  return letters;
}
