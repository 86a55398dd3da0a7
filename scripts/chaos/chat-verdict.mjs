/** What was said, compared with what is in the history and with what each client heard. */
import { contentOf } from './chat-voice.mjs';

/** Each of these must be 0. */
export const chatFaults = [
  'lost',
  'doubled',
  'forged',
  'refused',
  'unanswered',
  'seenTwice',
  'missed',
  'histories',
];

const keyOf = ({ sender, id }) => `${sender} ${id}`;

/**
 * @param {import('./chat-voice.mjs').ChatVoice[]} voices
 * @param {Map<string, { sender: string, id: string, seq: number, content: string }[][]>} histories by room, one of each node
 * `lost`: answered, and not in the history; `doubled`: there twice; `forged`: there, and never said; `unanswered`: said until
 * the end without an answer; `seenTwice`, `missed`: by a client whose session lasted (its own messages come again when it says
 * them again); `late`: heard behind a newer one, as it may be when Redis has lost its memory; `histories`: nodes that tell
 * another one.
 */
export function judgeChat(voices, histories) {
  const counts = { said: 0, answered: 0, kept: 0, late: 0, saidAgain: 0 };
  for (const fault of chatFaults) counts[fault] = 0;
  const cases = [];
  const note = (fault, text) => {
    counts[fault] += 1;
    if (cases.length < 20) cases.push(`${fault}: ${text}`);
  };
  for (const [roomId, [first, ...others]] of histories) {
    const inRoom = voices.filter(({ client }) => client.roomId === roomId);
    for (const other of others)
      if (JSON.stringify(other) !== JSON.stringify(first)) note('histories', `of ${roomId} differ`);
    judgeRoom(inRoom, first, counts, note);
  }
  return { counts, cases };
}

function judgeRoom(voices, history, counts, note) {
  const kept = new Map();
  for (const message of history) {
    const key = keyOf(message);
    if (kept.has(key)) note('doubled', key);
    if (message.content !== contentOf(message.id)) note('forged', `${key} has another content`);
    kept.set(key, message);
  }
  counts.kept += history.length;
  const said = new Set();
  for (const { name, answered, waiting, refused, saidAgain } of voices) {
    counts.said += answered.size + waiting.size;
    counts.answered += answered.size;
    counts.saidAgain += saidAgain;
    for (const id of answered) if (!kept.has(`${name} ${id}`)) note('lost', `${name} ${id}`);
    for (const id of waiting.keys()) note('unanswered', `${name} ${id}`);
    for (const text of refused) note('refused', text);
    for (const id of [...answered, ...waiting.keys()]) said.add(`${name} ${id}`);
  }
  for (const key of kept.keys()) if (!said.has(key)) note('forged', key);
  for (const voice of voices) judgeEars(voice, history, counts, note);
}

function judgeEars({ name, heard, client }, history, counts, note) {
  const had = new Set();
  let newest = 0;
  for (const message of heard) {
    const key = keyOf(message);
    if (had.has(key) && message.sender !== name) note('seenTwice', `${key} by ${name}`);
    if (!had.has(key) && message.seq < newest) counts.late += 1;
    newest = Math.max(newest, message.seq);
    had.add(key);
  }
  // Who had to begin afresh missed what was said meanwhile, and reads the history.
  if (client.epoch !== 1) return;
  const from = heard[0]?.seq ?? Number.POSITIVE_INFINITY;
  for (const message of history)
    if (message.seq >= from && !had.has(keyOf(message))) note('missed', `${keyOf(message)} by ${name}`);
}
