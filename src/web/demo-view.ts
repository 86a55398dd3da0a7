/** The demo page's elements, and what they show of a call. */
import type { DemoCall, Line, RoomMode, Said } from './demo-call.js';
import { element, make, tell } from './elements.js';
import type { LocalMedia } from './local-media.js';
import { figuresOf } from './media-figures.js';
import { Tile } from './tile.js';

const lines = {
  connected: ['connected to the server', 'good'],
  resumed: ['connected again, nothing lost', 'good'],
  reconnecting: ['connecting to the server again …', 'warn'],
} as const;

const modeWords: Readonly<Record<RoomMode, string>> = {
  P2P: 'directly from peer to peer',
  SFU: 'through the Media Service (SFU)',
};
const reasonWords: Readonly<Record<string, string>> = {
  size: 'because there are many here',
  media_unavailable: 'because the Media Service does not answer',
};
/** Of a call that lasts a day the oldest go. */
const maxSaid = 500;

export class DemoView {
  readonly #call = element('call', HTMLElement);
  readonly #line = element('line', HTMLElement);
  readonly #mode = element('mode', HTMLElement);
  readonly #notice = element('notice', HTMLElement);
  readonly #tiles = element('tiles', HTMLElement);
  readonly #people = element('people', HTMLElement);
  readonly #said = element('said', HTMLElement);
  readonly #switch = element('switch', HTMLButtonElement);
  readonly #why = element('why', HTMLElement);
  readonly #byPeer = new Map<string, Tile>();
  readonly #saidIds = new Set<string>();
  #self: Tile | undefined;

  showEntry(text: string): void {
    this.#call.hidden = this.#mode.hidden = true;
    element('entry', HTMLElement).hidden = false;
    element('name', HTMLElement).focus();
    tell(this.#line, 'not in a call');
    for (const part of [this.#tiles, this.#people, this.#said]) part.replaceChildren();
    this.#byPeer.clear();
    this.#saidIds.clear();
    this.notice(text);
  }

  showCall(name: string, { stream, madeUp }: LocalMedia): void {
    element('entry', HTMLElement).hidden = true;
    this.#call.hidden = this.#mode.hidden = false;
    tell(this.#line, 'connecting to the server …', 'warn');
    this.#self = new Tile(name, true);
    this.#self.show(stream, madeUp === undefined);
    this.#tiles.append(this.#self.root);
    element('words', HTMLElement).focus();
  }

  showLink(link: string): void {
    element('link', HTMLInputElement).value = link;
  }

  line(line: Line): void {
    const [text, tone] = lines[line];
    tell(this.#line, text, tone);
  }

  notice(text: string): void {
    this.#notice.textContent = text;
  }

  mode(mode: RoomMode, reason: string): void {
    this.#mode.textContent = mode;
    this.#switch.textContent = mode === 'P2P' ? 'Switch to SFU' : 'Switch to P2P';
    this.#self?.tell('');
    const because = reasonWords[reason];
    this.why(`Media goes ${modeWords[mode]}${because === undefined ? '' : ` ${because}`}.`);
  }

  /** Beside the button that switches. */
  why(text: string): void {
    this.#why.textContent = text;
  }

  /** Who is there, and a tile for each. */
  people({ people }: DemoCall): void {
    const { self, others, host } = people;
    this.#people.replaceChildren(
      ...[self, ...others].map((person) => {
        const marks = [person === self ? 'you' : '', person.peerId === host ? 'host' : ''].filter(Boolean);
        return make('li', marks.length === 0 ? person.name : `${person.name} (${marks.join(', ')})`);
      }),
    );
    const here = new Set(others.map(({ peerId }) => peerId));
    for (const [peerId, tile] of this.#byPeer) {
      if (here.has(peerId)) continue;
      tile.root.remove();
      this.#byPeer.delete(peerId);
    }
    for (const { peerId, name } of others) {
      if (this.#byPeer.has(peerId)) continue;
      const tile = new Tile(name, false);
      tile.tell('connecting …');
      this.#byPeer.set(peerId, tile);
      this.#tiles.append(tile.root);
    }
    element('alone', HTMLElement).hidden = others.length > 0;
    this.#switch.disabled = !people.isHost;
    this.#switch.title = people.isHost ? '' : `Only the host can: ${people.nameOf(host)}`;
  }

  track(peerId: string, track: MediaStreamTrack): void {
    this.#byPeer.get(peerId)?.add(track);
  }

  silence(peerId: string | undefined): void {
    for (const [id, tile] of this.#byPeer) {
      if (peerId !== undefined && peerId !== id) continue;
      tile.clear();
      tile.tell('connecting …');
    }
  }

  callState(peerId: string, state: string): void {
    this.#byPeer.get(peerId)?.tell(state === 'connecting' || state === 'new' ? 'connecting …' : state);
  }

  said({ id, from, content, atMs }: Said): void {
    if (this.#saidIds.has(id)) return;
    this.#saidIds.add(id);
    const line = make('li');
    const time = make('time', new Date(atMs).toLocaleTimeString([], { timeStyle: 'short' }), 'soft');
    line.append(time, ' ', make('strong', `${from}: `), content);
    this.#said.append(line);
    if (this.#said.childElementCount > maxSaid) this.#said.firstElementChild?.remove();
    this.#said.scrollTop = this.#said.scrollHeight;
  }

  /** Once a second: what is measured of each picture. */
  async figures(call: DemoCall): Promise<void> {
    for (const [peerId, tile] of this.#byPeer) {
      if (tile.hasMedia) tile.tellFigures(figuresOf(await call.stats(peerId)));
    }
  }
}
