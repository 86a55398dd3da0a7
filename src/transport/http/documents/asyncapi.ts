/** The messages of the dialects as AsyncAPI 3.0 says such things, from the server's point of view. */
import type { DialectName } from '../../../dialects/doors.js';
import { flatAsks } from '../../../dialects/flat/flat-asks.js';
import { flatTells } from '../../../dialects/flat/flat-tells.js';
import { gatewayCards } from '../../../dialects/gateway/gateway-cards.js';
import type { MessageCard } from '../../../dialects/message-card.js';
import { webrtcCards } from '../../../dialects/webrtc/webrtc-cards.js';
import { jsonSchema } from './json-schema.js';

interface Channel {
  readonly address: string;
  readonly title: string;
  readonly description: string;
  readonly cards: readonly MessageCard[];
}

const roomParameter = (name: string): object => ({ [name]: { description: 'The room' } });

const channels: Readonly<Record<DialectName, Channel & { readonly parameters?: object }>> = {
  flat: {
    address: '/',
    title: 'Flat',
    description: 'Python peers (register) and full sessions (join_room). One JSON object a frame.',
    cards: [...flatAsks, ...flatTells],
  },
  gateway: {
    address: '/signal/{roomId}',
    title: 'Gateway',
    description: 'The address joins its room. presence=1 asks who comes and goes.',
    cards: gatewayCards,
    parameters: roomParameter('roomId'),
  },
  webrtc: {
    address: '/ws/webrtc/{room_id}',
    title: 'WebRTC',
    description:
      'The address joins its room; /webrtc/ws/{room_id} means the same. Kinds may be spelled with underscores, and are answered so. resume=1 adds what full sessions have.',
    cards: webrtcCards,
    parameters: roomParameter('room_id'),
  },
};

export function asyncApi(dialects: readonly DialectName[], version: string): object {
  const served = dialects.map((name) => [name, channels[name]] as const);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Signaling: WebSocket messages',
      version,
      description:
        'Both ports take upgrades. A token comes as Authorization: Bearer, as the cookie access_token, as the subprotocols signaling and bearer.<token>, as ?token=, or in the first message.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      served.map(([name, { cards, ...channel }]) => [
        name,
        {
          ...channel,
          messages: Object.fromEntries(
            cards.map((card) => [keyOf(name, card), { $ref: `#/components/messages/${keyOf(name, card)}` }]),
          ),
        },
      ]),
    ),
    operations: Object.fromEntries(
      served.flatMap(([name, { cards }]) =>
        (['receive', 'send'] as const).map((action) => [
          `${name}.${action}`,
          {
            action,
            channel: { $ref: `#/channels/${name}` },
            messages: cards
              .filter(({ by }) => (by === 'client') === (action === 'receive'))
              .map((card) => ({ $ref: `#/channels/${name}/messages/${keyOf(name, card)}` })),
          },
        ]),
      ),
    ),
    components: {
      messages: Object.fromEntries(
        served.flatMap(([name, { cards }]) =>
          cards.map((card) => [
            keyOf(name, card),
            { name: card.name, summary: card.summary, payload: jsonSchema(card.frame) },
          ]),
        ),
      ),
    },
  };
}

function keyOf(dialect: DialectName, { by, name }: MessageCard): string {
  return `${dialect}.${by}.${name}`;
}
