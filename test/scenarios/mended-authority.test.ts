/** Who decides in a room: to whom that cannot be given, and what the one who gave it is told later. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Presence } from '../../src/ports/presence.js';
import { refusalOf } from '../support/dialect-news.js';
import { DialectPeer, doorOf, makeOpenRoom } from '../support/dialect-peers.js';
import { MemoryNodes } from '../support/memory-nodes.js';

let nodes: MemoryNodes;
beforeEach(() => {
  nodes = new MemoryNodes();
});
afterEach(() => nodes.stop());

describe('[A1] a peer that has not said its name', () => {
  test.each(['gateway with presence', 'full', 'webrtc extended'] as const)(
    'is not made the host by one that is %s, on its node or another',
    async (kind) => {
      const left = await nodes.start('left');
      const right = await nodes.start('right');
      const owner = await left.node.signIn();
      const room = await left.node.createRoom(owner);
      const host = await DialectPeer.join(kind, left.node, room, 'host', owner);
      const witness = await DialectPeer.join('webrtc extended', right.node, room, 'witness', owner);
      await host.meets('witness');
      for (const { node, server } of [left, right]) {
        const query = { token: owner.id_token, room_token: room.token };
        const shy = await server.connect(node.ws + doorOf('gateway with presence', room.room_id, query));
        const { senderId: made } = await shy.expect({ type: 'welcome', hostId: 'host' });
        await host.meets(String(made));
        host.transfer(String(made));
        await host.until(refusalOf(kind, 'PEER_NOT_FOUND'));
        shy.send('{');
        expect(await shy.next()).toEqual({ error: 'Failed to process message' });
        shy.drop();
      }
      // It decides as before, and nobody was told otherwise.
      host.transfer('witness');
      const told = await witness.until({ type: 'role-updated' });
      expect(told.at(-1)).toMatchObject({ payload: { user_id: 'witness', updated_by: 'host' } });
      for (const peer of [host, witness]) peer.cut();
    },
  );
});

describe('[A2] a transfer whose news was lost', () => {
  /** The news that somebody else is the host comes to this node only when `drops` says so. */
  function forgetful(drops: () => boolean): (presence: Presence) => Presence {
    return (presence) => {
      const onChange: Presence['onChange'] = (listener) => {
        presence.onChange((change) => {
          if (change.what.kind !== 'host' || !drops()) listener(change);
        });
      };
      return new Proxy(presence, {
        get: (target, name) => {
          if (name === 'onChange') return onChange;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    };
  }

  test.each(['gateway', 'gateway with presence'] as const)(
    'does not keep a later one, by rule, from the %s host that had given it',
    async (kind) => {
      const state = { drops: false };
      const left = await nodes.start(
        'left',
        {},
        forgetful(() => state.drops),
      );
      const right = await nodes.start('right');
      const room = await makeOpenRoom(right.node, await right.node.signIn());
      const first = await DialectPeer.join('gateway with presence', right.node, room, 'first');
      const giver = await DialectPeer.join(kind, left.node, room, 'giver');
      const third = await DialectPeer.join('gateway with presence', right.node, room, 'third');
      await first.meets('third');
      first.transfer('giver');
      await giver.until({ type: 'host-change', newHostId: 'giver', senderId: 'first' });
      await third.until({ type: 'host-change', newHostId: 'giver' });

      state.drops = true;
      giver.transfer('first');
      await first.until({ type: 'host-change', newHostId: 'first', senderId: 'giver' });
      await third.until({ type: 'host-change', newHostId: 'first' });
      state.drops = false;
      first.transfer('third');
      await third.until({ type: 'host-change', newHostId: 'third' });
      // What it has not heard of in between is told in one.
      await giver.until({ type: 'host-change', newHostId: 'third' });

      third.cut();
      await nodes.pass(6_000);
      await first.until({ type: 'host-change', newHostId: 'first', senderId: 'third' });
      await giver.until({ type: 'host-change', newHostId: 'first', senderId: 'third' });
      for (const peer of [first, giver]) peer.cut();
    },
  );
});
