import type { Dialect } from '../dialect.js';
import { decodeFlat } from './decode.js';
import { encodeFlat } from './encode.js';
import { flatName } from './name.js';

/** The dialect of S3's Python peers, of their version 2.0, and of S1's verbs: spoken at `/`. */
export const flat: Dialect = {
  name: flatName,
  wantsRoomState: false,
  hearsItself: true,
  decode: decodeFlat,
  encode: encodeFlat,
};
