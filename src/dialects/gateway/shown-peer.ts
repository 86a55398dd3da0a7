import type { PeerId } from '../../protocol/ids.js';
import { fromPeerId } from '../peer-key.js';

/** A peer's name as the gateway shows it: always a string, also where it is a number in flat. */
export function shownPeer(peerId: PeerId): string {
  const name = fromPeerId(peerId);
  return typeof name === 'string' ? name : JSON.stringify(name);
}
