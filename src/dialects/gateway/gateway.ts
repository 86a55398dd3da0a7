import type { Dialect } from '../dialect.js';
import { decodeGateway } from './decode.js';
import { encodePlain, encodeWithPresence } from './encode.js';
import { gatewayName } from './name.js';

const common = { name: gatewayName, wantsRoomState: false, hearsItself: false, decode: decodeGateway };

/** The dialect of S2's clients, spoken at `/signal/{roomId}`: they are sent nothing but its four types and errors. */
export const gateway: Dialect = { ...common, encode: encodePlain };

/** The same, and who comes and goes: `?presence=1`. */
export const gatewayWithPresence: Dialect = { ...common, encode: encodeWithPresence };
