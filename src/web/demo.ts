/** The demo page: two tabs see and hear each other. */
import { ofBrowser } from './browser-store.js';
import type { DemoCallListener } from './demo-call.js';
import { DemoStay } from './demo-stay.js';
import { DemoView } from './demo-view.js';
import { element } from './elements.js';
import { errorText } from './error-text.js';
import { openLocalMedia } from './local-media.js';

const figuresEveryMs = 1_000;

const view = new DemoView();
const name = element('name', HTMLInputElement);
const join = element('join', HTMLButtonElement);
const [mute, camera] = [element('mute', HTMLButtonElement), element('camera', HTMLButtonElement)];
let stay: DemoStay | undefined;

/** What is still heard of a stay that is over changes nothing on the page. */
function listenerOf(of: DemoStay): DemoCallListener {
  const whileIn =
    <Heard extends unknown[]>(hear: (...heard: Heard) => void) =>
    (...heard: Heard): void => {
      if (!of.isOver) hear(...heard);
    };
  return {
    onLine: whileIn(view.line.bind(view)),
    onPeople: whileIn(() => {
      if (of.call !== undefined) view.people(of.call);
    }),
    onMode: whileIn(view.mode.bind(view)),
    onSaid: whileIn(view.said.bind(view)),
    onTrack: whileIn(view.track.bind(view)),
    onSilence: whileIn(view.silence.bind(view)),
    onCallState: whileIn(view.callState.bind(view)),
    onNotice: whileIn(view.notice.bind(view)),
  };
}

async function start(): Promise<void> {
  // The browser may take its time to ask for the camera: whoever presses again joins once all the same.
  join.disabled = true;
  let end: string;
  try {
    end = await callUntilLeft();
  } catch (error) {
    end = errorText(error);
  }
  stay = undefined;
  join.disabled = false;
  view.showEntry(end);
}

/** Resolves to what is to be said then. Rejects when the browser cannot make up a picture. */
async function callUntilLeft(): Promise<string> {
  ofBrowser.set('demo.name', name.value);
  const media = await openLocalMedia(name.value);
  view.showCall(name.value, media);
  view.notice(
    media.madeUp === undefined ? '' : `${media.madeUp} You are shown as a made-up picture and a tone.`,
  );
  toggle(mute, media.stream.getAudioTracks(), ['Mute', 'Unmute']);
  toggle(camera, media.stream.getVideoTracks(), ['Camera off', 'Camera on']);
  const timer = setInterval(() => {
    if (stay?.call !== undefined) void view.figures(stay.call);
  }, figuresEveryMs);
  stay = new DemoStay(
    { name: name.value, stream: media.stream, onLink: view.showLink.bind(view) },
    listenerOf,
  );
  const end = await stay.run();
  clearInterval(timer);
  media.stop();
  return end;
}

/** A button that holds tracks back. What it says is what it does next, so it has no pressed state beside. */
function toggle(
  button: HTMLButtonElement,
  tracks: readonly MediaStreamTrack[],
  [off, on]: readonly [string, string],
): void {
  const show = (isHeld: boolean): void => {
    button.dataset['held'] = String(isHeld);
    button.textContent = isHeld ? on : off;
  };
  show(false);
  button.onclick = () => {
    const isHeld = button.dataset['held'] !== 'true';
    for (const track of tracks) track.enabled = !isHeld;
    show(isHeld);
  };
}

async function switchMode(): Promise<void> {
  const call = stay?.call;
  if (call === undefined) return;
  try {
    await call.setMode(call.mode === 'P2P' ? 'SFU' : 'P2P');
  } catch (error) {
    view.why(errorText(error));
  }
}

async function say(): Promise<void> {
  const words = element('words', HTMLInputElement);
  const content = words.value;
  words.value = '';
  try {
    if (stay?.call === undefined) throw new Error('The server does not answer: try again.');
    await stay.call.say(content);
  } catch (error) {
    // What has been typed since is not lost either.
    words.value ||= content;
    view.notice(errorText(error));
  }
}

async function copyLink(): Promise<void> {
  const [link, copy] = [element('link', HTMLInputElement), element('copy', HTMLButtonElement)];
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
    copy.textContent = 'Copied';
  } catch {
    // The browser does not let pages do that: the user does, and the link is selected.
    copy.textContent = 'Press Ctrl+C';
  }
}

name.value = ofBrowser.get('demo.name') ?? `Guest ${Math.floor(Math.random() * 90) + 10}`;
element('entry', HTMLFormElement).onsubmit = (event) => {
  event.preventDefault();
  void start();
};
element('chat', HTMLFormElement).onsubmit = (event) => {
  event.preventDefault();
  void say();
};
element('switch', HTMLButtonElement).onclick = () => void switchMode();
element('copy', HTMLButtonElement).onclick = () => void copyLink();
element('leave', HTMLButtonElement).onclick = () => {
  stay?.leave();
};
// Another link in the same tab is another room.
window.onhashchange = () => {
  window.location.reload();
};
