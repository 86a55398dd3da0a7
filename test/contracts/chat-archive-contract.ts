import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ChatArchive } from '../../src/ports/chat-archive.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId } from '../../src/protocol/ids.js';
import { freshRoom, oddTexts, spoken } from '../support/chat-fixture.js';

export interface ChatArchiveSetup {
  readonly archive: ChatArchive;
  readonly stop?: () => Promise<void>;
}

const END = Number.MAX_SAFE_INTEGER;

/** What every `ChatArchive` must do. */
export function chatArchiveContract(name: string, setup: () => Promise<ChatArchiveSetup>): void {
  describe(`${name} as a ChatArchive`, () => {
    let archive: ChatArchive;
    let stop: ChatArchiveSetup['stop'];

    beforeAll(async () => {
      ({ archive, stop } = await setup());
    });
    afterAll(async () => {
      await stop?.();
    });

    test('has nothing of a room in which nothing was said, and forgets it all the same', async () => {
      const roomId = freshRoom();
      await expect(archive.store([])).resolves.toBeUndefined();
      await expect(archive.before(roomId, END, 10)).resolves.toEqual([]);
      await expect(archive.forget(roomId, END - 1)).resolves.toBeUndefined();
    });

    test('[Q8] what was stored is read back: the newest before a place, oldest first', async () => {
      const said = spoken(freshRoom(), 10);
      const [{ roomId }] = said as [ChatMessage];
      await archive.store(said);
      await expect(archive.before(roomId, END, 100)).resolves.toEqual(said);
      await expect(archive.before(roomId, END, 3)).resolves.toEqual(said.slice(-3));
      await expect(archive.before(roomId, said[5]?.seq ?? 0, 3)).resolves.toEqual(said.slice(2, 5));
      await expect(archive.before(roomId, said[0]?.seq ?? 0, 3)).resolves.toEqual([]);
    });

    test('[Q6] what is stored again, by whichever node and in whatever order, is there once', async () => {
      const said = spoken(freshRoom(), 60);
      const [{ roomId }] = said as [ChatMessage];
      await archive.store(said.slice(30));
      await Promise.all([
        archive.store(said.slice(0, 40)),
        archive.store(said.slice(20)),
        archive.store(said.toReversed()),
        archive.store([...said.slice(0, 10), ...said.slice(0, 10)]),
      ]);
      await expect(archive.before(roomId, END, 201)).resolves.toEqual(said);
    });

    test('[Q8] a long history is paged back to its beginning', async () => {
      const said = spoken(freshRoom(), 450);
      const [{ roomId }] = said as [ChatMessage];
      for (let at = 0; at < said.length; at += 100) await archive.store(said.slice(at, at + 100));
      const pages = [];
      let before = END;
      for (;;) {
        const page = await archive.before(roomId, before, 201);
        if (page[0] === undefined) break;
        pages.unshift(page);
        before = page[0].seq;
      }
      expect(pages.map(({ length }) => length)).toEqual([48, 201, 201]);
      expect(pages.flat()).toEqual(said);
    });

    test('[Q11] a room that is forgotten has nothing up to that place, and other rooms have what they had', async () => {
      const [gone, stays] = [spoken(freshRoom(), 300), spoken(freshRoom(), 3)];
      for (let at = 0; at < gone.length; at += 100) await archive.store(gone.slice(at, at + 100));
      await archive.store(stays);
      const [[{ roomId }], [{ roomId: other }]] = [gone, stays] as [[ChatMessage], [ChatMessage]];
      await archive.forget(roomId, gone[249]?.seq ?? 0);
      await expect(archive.before(roomId, END, 201)).resolves.toEqual(gone.slice(250));
      await archive.forget(roomId, gone[299]?.seq ?? 0);
      await expect(archive.before(roomId, END, 201)).resolves.toEqual([]);
      await expect(archive.before(other, END, 201)).resolves.toEqual(stays);
      await archive.store(gone.slice(0, 2));
      await expect(archive.before(roomId, END, 201)).resolves.toEqual(gone.slice(0, 2));
    });

    test('texts of every kind come back as they were said', async () => {
      const roomId = freshRoom();
      const said = spoken(roomId, oddTexts.length).map((message, at) => {
        const text = oddTexts[at] ?? '';
        return { ...message, id: `${text}!`, from: asPeerId(`p${text}`), sub: `s${text}`, content: text };
      });
      await archive.store(said);
      await expect(archive.before(roomId, END, 100)).resolves.toEqual(said);
    });

    test('[Q8] a hundred messages as long as can be are stored at once, and read at once', async () => {
      const said = spoken(freshRoom(), 100, { content: '🙂'.repeat(8000) });
      const [{ roomId }] = said as [ChatMessage];
      await archive.store(said);
      const read = await archive.before(roomId, END, 201);
      expect(read.map(({ seq }) => seq)).toEqual(said.map(({ seq }) => seq));
      expect(read.every(({ content }) => content === said[0]?.content)).toBe(true);
    });
  });
}
