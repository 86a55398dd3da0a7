import { make } from './elements.js';
import type { MediaFigures } from './media-figures.js';

/** One person on the page: picture, sound, name, and how the connection is. */
export class Tile {
  readonly root = make('figure', '', 'tile');
  readonly #video = make('video');
  readonly #name = make('strong');
  readonly #state = make('span', '', 'soft');
  readonly #figures = make('span', '', 'soft');
  #stream = new MediaStream();

  /** `isSelf`: not heard. */
  constructor(name: string, isSelf: boolean) {
    this.#video.autoplay = true;
    this.#video.playsInline = true;
    this.#video.muted = isSelf;
    this.#video.setAttribute('aria-label', isSelf ? 'Your own picture' : `Picture of ${name}`);
    this.#name.textContent = isSelf ? `${name} (you)` : name;
    if (isSelf) this.root.classList.add('self');
    const caption = make('figcaption');
    caption.append(this.#name, ' ', this.#state, make('br'), this.#figures);
    this.root.append(this.#video, caption);
    this.clear();
  }

  add(track: MediaStreamTrack): void {
    for (const old of this.#stream.getTracks()) if (old.kind === track.kind) this.#stream.removeTrack(old);
    this.#stream.addTrack(track);
    if (this.#video.srcObject !== this.#stream) this.#video.srcObject = this.#stream;
    this.#video.play().catch((error: unknown) => {
      // A browser that wants another click first shows its own button; what is overtaken by the next track is nothing.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#video.controls = true;
    });
  }

  /** `isMirror`: as people know their own face. */
  show(stream: MediaStream, isMirror: boolean): void {
    this.root.classList.toggle('mirror', isMirror);
    for (const track of stream.getTracks()) this.add(track);
  }

  /** Nothing comes any more. */
  clear(): void {
    this.#stream = new MediaStream();
    this.#video.srcObject = null;
    this.tellFigures({ framesDecoded: 0, audioSamples: 0, text: '' });
  }

  tell(state: string): void {
    this.#state.textContent = state;
  }

  tellFigures({ framesDecoded, audioSamples, text }: MediaFigures): void {
    this.root.dataset['framesDecoded'] = String(framesDecoded);
    this.root.dataset['audioSamples'] = String(audioSamples);
    this.#figures.textContent = text;
  }

  get hasMedia(): boolean {
    return this.#video.srcObject !== null;
  }
}
