/** The judge of `npm run chaos:chat` must find what it is there to find. */
import { expect, test } from '@jest/globals';

const verdictFile = '../../scripts/chaos/chat-verdict.mjs';
const voiceFile = '../../scripts/chaos/chat-voice.mjs';
const { judgeChat } = (await import(verdictFile)) as {
  judgeChat: (
    voices: readonly object[],
    histories: ReadonlyMap<string, readonly (readonly Kept[])[]>,
  ) => {
    readonly counts: Readonly<Record<string, number>>;
  };
};
const { contentOf } = (await import(voiceFile)) as { contentOf: (id: string) => string };

interface Kept {
  readonly sender: string;
  readonly id: string;
  readonly seq: number;
  readonly content: string;
}

const kept = (sender: string, id: string, seq: number): Kept => ({ sender, id, seq, content: contentOf(id) });

interface Voice {
  readonly answered?: readonly string[];
  readonly waiting?: readonly string[];
  readonly refused?: readonly string[];
  readonly heard?: readonly Kept[];
  readonly epoch?: number;
}

function voice(
  name: string,
  { answered = [], waiting = [], refused = [], heard = [], epoch = 1 }: Voice,
): object {
  return {
    name,
    answered: new Set(answered),
    waiting: new Map(waiting.map((id) => [id, 0])),
    refused,
    heard,
    saidAgain: 0,
    client: { roomId: 'room', epoch },
  };
}

const one = kept('a', 'a-1', 1);
const two = kept('b', 'b-1', 2);
const said = [
  voice('a', { answered: ['a-1'], heard: [one, two] }),
  voice('b', { answered: ['b-1'], heard: [one, two] }),
];
const judge = (voices: readonly object[], ...nodes: readonly (readonly Kept[])[]): object =>
  judgeChat(voices, new Map([['room', nodes]])).counts;
const nothing = {
  lost: 0,
  doubled: 0,
  forged: 0,
  refused: 0,
  unanswered: 0,
  seenTwice: 0,
  missed: 0,
  histories: 0,
};

test('finds nothing where nothing is wrong', () => {
  expect(judge(said, [one, two], [one, two])).toMatchObject({ ...nothing, answered: 2, kept: 2, late: 0 });
});

test('finds what was answered and is not kept', () => {
  expect(judge(said, [one], [one])).toMatchObject({ ...nothing, lost: 1 });
});

test('finds what is kept twice, and what nobody said', () => {
  const twice = [one, two, { ...one, seq: 3 }];
  expect(judge(said, twice)).toMatchObject({ ...nothing, doubled: 1 });
  expect(judge(said, [one, two, kept('c', 'c-1', 3)])).toMatchObject({ forged: 1 });
  expect(judge(said, [one, { ...two, content: 'else' }])).toMatchObject({ ...nothing, forged: 1 });
});

test('finds nodes that tell another history', () => {
  expect(judge(said, [one, two], [two, one])).toMatchObject({ ...nothing, histories: 1 });
});

test('finds who heard something twice or not at all, unless it began afresh', () => {
  const other = voice('b', { answered: ['b-1'], heard: [one, one, two] });
  expect(judge([voice('a', { answered: ['a-1'], heard: [one, two] }), other], [one, two])).toMatchObject({
    ...nothing,
    seenTwice: 1,
  });
  const three = kept('b', 'b-2', 3);
  const deaf = { answered: ['a-1'], heard: [one, three] };
  const loud = voice('b', { answered: ['b-1', 'b-2'], heard: [one, two, three] });
  expect(judge([voice('a', deaf), loud], [one, two, three])).toMatchObject({ ...nothing, missed: 1 });
  expect(judge([voice('a', { ...deaf, epoch: 2 }), loud], [one, two, three])).toMatchObject(nothing);
});

test('finds what was never answered, and what was refused', () => {
  const stuck = voice('a', { answered: ['a-1'], waiting: ['a-2'], refused: ['a-3: no'], heard: [one, two] });
  expect(judge([stuck, voice('b', { answered: ['b-1'], heard: [one, two] })], [one, two])).toMatchObject({
    ...nothing,
    unanswered: 1,
    refused: 1,
  });
});

test('counts what came behind something newer, which no loss is', () => {
  const late = voice('a', { answered: ['a-1'], heard: [one, kept('b', 'b-2', 3), two] });
  const loud = voice('b', { answered: ['b-1', 'b-2'], heard: [one, two, kept('b', 'b-2', 3)] });
  expect(judge([late, loud], [one, two, kept('b', 'b-2', 3)])).toMatchObject({ ...nothing, late: 1 });
});
