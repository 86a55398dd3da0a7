import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Bus } from '../../src/ports/bus.js';
import { asNodeId, type NodeId } from '../../src/protocol/ids.js';

export interface BusSetup {
  /** The bus of another node of the same cluster. */
  readonly node: (nodeId: NodeId) => Promise<Bus>;
  readonly stop: () => Promise<void>;
}

/** What a node gets. */
export class Inbox {
  readonly letters: Buffer[] = [];
  private wake: () => void = () => undefined;

  private constructor(
    readonly nodeId: NodeId,
    readonly bus: Bus,
  ) {}

  static async open(nodeId: NodeId, bus: Bus): Promise<Inbox> {
    const inbox = new Inbox(nodeId, bus);
    await bus.open((letter) => {
      // What is delivered belongs to who delivers it.
      inbox.letters.push(Buffer.from(letter));
      inbox.wake();
    });
    return inbox;
  }

  async received(count: number): Promise<readonly Buffer[]> {
    while (this.letters.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.letters;
  }

  async texts(count: number): Promise<readonly string[]> {
    return (await this.received(count)).map(String);
  }
}

/** What every `Bus` must do. */
export function busContract(name: string, setup: () => Promise<BusSetup>): void {
  describe(`${name} as a Bus`, () => {
    let cluster: BusSetup;

    beforeAll(async () => {
      cluster = await setup();
    });
    afterAll(async () => {
      await cluster.stop();
    });

    const open = async (): Promise<Inbox> => {
      const nodeId = asNodeId(randomUUID());
      return Inbox.open(nodeId, await cluster.node(nodeId));
    };

    test('[N9] brings a letter to the node it is for, and to no other', async () => {
      const [one, two, three] = [await open(), await open(), await open()];
      await expect(one.bus.post(two.nodeId, Buffer.from('for two'))).resolves.toBe(true);
      await expect(two.bus.post(three.nodeId, Buffer.from('for three'))).resolves.toBe(true);
      await expect(three.bus.post(one.nodeId, Buffer.from('for one'))).resolves.toBe(true);
      expect([await one.texts(1), await two.texts(1), await three.texts(1)]).toEqual([
        ['for one'],
        ['for two'],
        ['for three'],
      ]);
    });

    test('[N9] keeps ten thousand letters of one sender in order, among those of others', async () => {
      const [one, two, three] = [await open(), await open(), await open()];
      let posts: Promise<boolean>[] = [];
      for (let at = 0; at < 10_000; at += 1) {
        posts.push(one.bus.post(three.nodeId, Buffer.from(`one ${String(at)}`)));
        if (at % 10 === 0) posts.push(two.bus.post(three.nodeId, Buffer.from(`two ${String(at / 10)}`)));
        if (at % 100 < 99) continue;
        // Each must be had within a second, and a busy machine has other things to do.
        expect(new Set(await Promise.all(posts))).toEqual(new Set([true]));
        posts = [];
      }
      const texts = await three.texts(11_000);
      const of = (sender: string): string[] => texts.filter((text) => text.startsWith(sender));
      expect(of('one')).toEqual(Array.from({ length: 10_000 }, (_, at) => `one ${String(at)}`));
      expect(of('two')).toEqual(Array.from({ length: 1000 }, (_, at) => `two ${String(at)}`));
    });

    test('[N9] brings letters of any bytes and of any size up to 2 MiB as they are', async () => {
      const [one, two] = [await open(), await open()];
      const letters = [
        Buffer.alloc(0),
        Buffer.from([0, 13, 10, 255]),
        randomBytes(2 ** 21),
        randomBytes(70_000),
      ];
      for (const letter of letters) await one.bus.post(two.nodeId, letter);
      const received = await two.received(letters.length);
      expect(received.map((letter, at) => letter.equals(letters[at] ?? Buffer.alloc(1)))).toEqual(
        letters.map(() => true),
      );
    });

    test('[N9] has taken a letter when the call returns: its buffer may be used again', async () => {
      const [one, two] = [await open(), await open()];
      const buffer = Buffer.from('first');
      const posts = [one.bus.post(two.nodeId, buffer)];
      buffer.write('other');
      posts.push(one.bus.post(two.nodeId, buffer));
      await Promise.all(posts);
      expect(await two.texts(2)).toEqual(['first', 'other']);
    });

    test('[N9] does not deliver within the call, not even to itself', async () => {
      const one = await open();
      const posted = one.bus.post(one.nodeId, Buffer.from('to myself'));
      expect(one.letters).toEqual([]);
      await expect(posted).resolves.toBe(true);
      expect(await one.texts(1)).toEqual(['to myself']);
    });

    test('[N9] says when nobody listens', async () => {
      const one = await open();
      const nobody = asNodeId(randomUUID());
      await expect(one.bus.post(nobody, Buffer.from('hello?'))).resolves.toBe(false);
      await Inbox.open(nobody, await cluster.node(nobody));
      await expect(one.bus.post(nobody, Buffer.from('hello?'))).resolves.toBe(true);
    });
  });
}
