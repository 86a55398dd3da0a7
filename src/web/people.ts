/** Who is in the room, as the server tells it. */
import type { Frame } from '../client/frames.js';

export interface Person {
  readonly peerId: string;
  /** As it calls itself. */
  readonly name: string;
  /** Of us two we yield when both call at once. */
  readonly isPolite: boolean;
}

export class People {
  /** Who may switch the room's mode. */
  host = '';
  #self: Person;
  readonly #others = new Map<string, Person>();

  constructor(welcome: Frame) {
    this.#self = personOf(welcome);
    this.replace(welcome);
  }

  /** As a `room_joined` says. */
  replace(welcome: Frame): void {
    this.#self = personOf(welcome);
    this.host = String(welcome['host']);
    this.#others.clear();
    for (const peer of welcome['peers'] as readonly Frame[]) this.join(peer);
  }

  join(peer: Frame): Person {
    const person = personOf(peer);
    this.#others.set(person.peerId, person);
    return person;
  }

  leave(peerId: string): void {
    this.#others.delete(peerId);
  }

  get self(): Person {
    return this.#self;
  }

  get others(): readonly Person[] {
    return [...this.#others.values()];
  }

  get isHost(): boolean {
    return this.host === this.#self.peerId;
  }

  /** Also of who has left. */
  nameOf(peerId: string): string {
    return this.#others.get(peerId)?.name ?? nameIn(peerId);
  }
}

function personOf(peer: Frame): Person {
  const { peer_id: id, metadata, polite } = peer;
  const peerId = String(id);
  const named = (metadata as { readonly name?: unknown } | undefined)?.name;
  return {
    peerId,
    name: typeof named === 'string' && named !== '' ? named.slice(0, 32) : nameIn(peerId),
    isPolite: polite === true,
  };
}

/** What this page puts behind a name, so that two may have the same, is left out. */
function nameIn(peerId: string): string {
  return peerId.replace(/~\w+$/, '');
}
