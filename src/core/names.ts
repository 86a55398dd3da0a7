/** Names that the server gives to peers which have not said theirs. */
import type { IdSource } from '../ports/runtime.js';
import { asPeerId, type PeerId } from '../protocol/ids.js';

const unnamedMark = 'unnamed-';
/** So many sockets of one user are counted through before the name becomes a random one. */
const numbered = 9;

/** Until its first frame says who it is: it is there and hears what everybody is told. */
export function unnamed(ids: IdSource): PeerId {
  return asPeerId(unnamedMark + ids.name());
}

/** Anybody may take such a name: it gives nothing but mail to peers that are not there. */
export function isUnnamed(peerId: PeerId): boolean {
  return peerId.startsWith(unnamedMark);
}

/** What the sockets of one user are called: as the user, then `user~2`, …; each is a peer of its own. */
export function* namesAfter(user: string, ids: IdSource): Generator<PeerId, never> {
  yield asPeerId(user);
  for (let n = 2; n <= numbered; n += 1) yield asPeerId(`${user}~${n}`);
  for (;;) yield asPeerId(`${user}~${ids.hex(6)}`);
}
