import type { CloseReason } from '../../protocol/close.js';
import type { Dialect } from '../dialect.js';
import { decodeWebrtc } from './decode.js';
import { encodeWebrtc } from './encode.js';
import { roomIdRule } from './room-id.js';
import { spellingOf, webrtcName, webrtcSnakeName, type Spelling } from './name.js';

/** What S4's documents and its server say of these; the rest is as everywhere. */
const closes: Readonly<Partial<Record<CloseReason, { readonly code: number; readonly text: string }>>> = {
  unauthenticated: { code: 4003, text: 'not authenticated' },
  expired: { code: 4003, text: 'the identity token has expired' },
  room_full: { code: 1008, text: 'Room full' },
  unusable_room_id: { code: 1008, text: roomIdRule },
};

/** `forUnderscores`: what is spoken from the first frame on whose `type` has one. */
function dialect(name: Spelling, isExtended: boolean, forUnderscores?: Dialect): Dialect {
  const voice = { spelling: name, isExtended };
  return {
    name,
    wantsRoomState: true,
    hearsItself: true,
    decode: (bytes, isBinary) => {
      const decoded = decodeWebrtc(bytes, isBinary, name);
      if (forUnderscores === undefined || !('command' in decoded)) return decoded;
      return spellingOf(decoded.ask.verb) === webrtcSnakeName
        ? { ...decoded, speaks: forUnderscores }
        : decoded;
    },
    encode: (event, ask, scope) => encodeWebrtc(event, ask, scope, voice),
    close: (reason) => closes[reason],
  };
}

/** S4's dialect, spoken at `/ws/webrtc/{room_id}` and `/webrtc/ws/{room_id}`: as S4's own clients know it. */
export const webrtcSnake: Dialect = dialect(webrtcSnakeName, false);
export const webrtc: Dialect = dialect(webrtcName, false, webrtcSnake);

/** The same with resume, receipts and refusals that quote their request: `?resume=1`. */
export const webrtcSnakeExtended: Dialect = dialect(webrtcSnakeName, true);
export const webrtcExtended: Dialect = dialect(webrtcName, true, webrtcSnakeExtended);
