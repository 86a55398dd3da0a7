import type { Door, Entrance } from './dialect.js';
import { flat } from './flat/flat.js';
import { gatewayEntrance } from './gateway/gateway-entrance.js';
import { webrtcEntrance } from './webrtc/webrtc-entrance.js';

/** The dialects that have a path of their own. */
export const dialectNames = ['flat', 'gateway', 'webrtc'] as const;
export type DialectName = (typeof dialectNames)[number];

interface Way {
  readonly dialect: DialectName;
  /** As documents write it. */
  readonly shown: string;
  readonly pattern: RegExp;
  readonly enter: (roomId: string, query: URLSearchParams) => Entrance;
}

const ways: readonly Way[] = [
  {
    dialect: 'flat',
    shown: '/',
    pattern: /^\/$/,
    enter: () => ({ dialect: flat, roomId: undefined, hello: undefined }),
  },
  { dialect: 'gateway', shown: '/signal/{roomId}', pattern: /^\/signal\/([^/]+)$/, enter: gatewayEntrance },
  {
    dialect: 'webrtc',
    shown: '/ws/webrtc/{room_id}',
    pattern: /^\/ws\/webrtc\/([^/]+)$/,
    enter: webrtcEntrance,
  },
  {
    dialect: 'webrtc',
    shown: '/webrtc/ws/{room_id}',
    pattern: /^\/webrtc\/ws\/([^/]+)$/,
    enter: webrtcEntrance,
  },
];

/** Which dialects are served, and under which paths. */
export class Doors {
  readonly #ways: readonly Way[];

  constructor(dialects: readonly DialectName[]) {
    this.#ways = ways.filter(({ dialect }) => dialects.includes(dialect));
  }

  /** For who has lost the way. */
  get shown(): string {
    return this.#ways.map(({ shown }) => shown).join(', ');
  }

  /** What is spoken at that path; `undefined` where there is nothing. */
  find(path: string, query: URLSearchParams): Door | undefined {
    for (const { pattern, enter } of this.#ways) {
      const match = pattern.exec(path);
      if (match === null) continue;
      const entrance = enter(decoded(match[1] ?? ''), query);
      const asks = entrance.hello !== undefined && 'command' in entrance.hello;
      return { ...entrance, waitsForToken: asks && query.get('auth') === 'message' };
    }
    return undefined;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No such text was meant: it will be refused as it stands.
    return text;
  }
}
