/** The demo page: two tabs see and hear each other. */
import { RequestRefused } from '../client/frames.js';
import { DemoCall, type DemoCallListener } from './demo-call.js';
import {
  DemoRefused,
  findRoom,
  followerOf,
  linkTo,
  roomInAddress,
  settleIn,
  signIn,
  type RoomKey,
} from './demo-rooms.js';
import { DemoView } from './demo-view.js';
import { element } from './elements.js';
import { openLocalMedia, type LocalMedia } from './local-media.js';

const retryMs = 2_000;
const figuresEveryMs = 1_000;
/** The room is not there any more, or not for us: another one takes its place. */
const goneCodes: readonly string[] = ['ROOM_NOT_FOUND', 'ROOM_EXPIRED', 'INVALID_ROOM_TOKEN'];

const view = new DemoView();
const name = element('name', HTMLInputElement);
const [mute, camera] = [element('mute', HTMLButtonElement), element('camera', HTMLButtonElement)];
let call: DemoCall | undefined;
let isWanted = false;

const listener: DemoCallListener = {
  onLine: (line) => {
    view.line(line);
  },
  onPeople: () => {
    if (call !== undefined) view.people(call);
  },
  onMode: (mode, reason) => {
    view.mode(mode, reason);
  },
  onSaid: (said) => {
    view.said(said);
  },
  onTrack: (peerId, track) => {
    view.track(peerId, track);
  },
  onSilence: (peerId) => {
    view.silence(peerId);
  },
  onCallState: (peerId, state) => {
    view.callState(peerId, state);
  },
  onNotice: (text) => {
    view.notice(text);
  },
};

/** Joins the room, or the one that takes its place. */
async function enter(media: LocalMedia): Promise<void> {
  const idToken = await signIn();
  const { room, isNew } = await findRoom(idToken);
  const join = (key: RoomKey): Promise<DemoCall> =>
    DemoCall.enter({ room: key, idToken, name: name.value, stream: media.stream }, listener);
  let joined = room;
  try {
    call = await join(room);
  } catch (error) {
    if (isNew || !(error instanceof RequestRefused) || !goneCodes.includes(error.code)) throw error;
    const wasAsked = roomInAddress() !== undefined;
    joined = await followerOf(room, idToken);
    call = await join(joined);
    if (wasAsked) view.notice('That room is gone. This is another one: send its link again.');
  }
  settleIn(joined);
  view.showLink(linkTo(joined));
  call.begin();
}

/** Stays until the user leaves, over ends of the server too. @returns what to say then */
async function stay(media: LocalMedia): Promise<string> {
  while (isWanted) {
    try {
      await enter(media);
    } catch (error) {
      if (error instanceof RequestRefused && !error.retryable) return `The server refused: ${error.message}`;
      if (error instanceof DemoRefused) return `The server refused: ${error.message}`;
      view.line('reconnecting');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      continue;
    }
    const how = await call?.ended();
    call = undefined;
    if (how === 'removed') return 'The host has removed you, or closed the room.';
    if (how === 'left') break;
    view.line('reconnecting');
  }
  return '';
}

async function start(): Promise<void> {
  isWanted = true;
  localStorage.setItem('demo.name', name.value);
  const media = await openLocalMedia(name.value);
  view.showCall(name.value, media);
  view.notice(
    media.madeUp === undefined ? '' : `${media.madeUp} You are shown as a made-up picture and a tone.`,
  );
  toggle(mute, media.stream.getAudioTracks(), ['Mute', 'Unmute']);
  toggle(camera, media.stream.getVideoTracks(), ['Camera off', 'Camera on']);
  const timer = setInterval(() => {
    if (call !== undefined) void view.figures(call);
  }, figuresEveryMs);
  const end = await stay(media);
  clearInterval(timer);
  media.stop();
  view.showEntry(end);
}

/** A button that holds tracks back. */
function toggle(
  button: HTMLButtonElement,
  tracks: readonly MediaStreamTrack[],
  [off, on]: readonly [string, string],
): void {
  const show = (isHeld: boolean): void => {
    button.setAttribute('aria-pressed', String(isHeld));
    button.textContent = isHeld ? on : off;
  };
  show(false);
  button.onclick = () => {
    const isHeld = button.getAttribute('aria-pressed') !== 'true';
    for (const track of tracks) track.enabled = !isHeld;
    show(isHeld);
  };
}

async function switchMode(): Promise<void> {
  if (call === undefined) return;
  try {
    await call.setMode(call.mode === 'P2P' ? 'SFU' : 'P2P');
  } catch (error) {
    view.why(error instanceof Error ? error.message : String(error));
  }
}

async function say(): Promise<void> {
  const words = element('words', HTMLInputElement);
  const content = words.value;
  words.value = '';
  try {
    await call?.say(content);
  } catch (error) {
    words.value = content;
    view.notice(error instanceof Error ? error.message : String(error));
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

name.value = localStorage.getItem('demo.name') ?? `Guest ${Math.floor(Math.random() * 90) + 10}`;
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
  isWanted = false;
  void call?.leave();
};
// Another link in the same tab is another room.
window.onhashchange = () => {
  window.location.reload();
};
