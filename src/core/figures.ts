import { dialectLabel, dialectLabels, type GaugeReadings, type GaugeSample } from '../ports/metrics.js';
import { roomModes } from '../protocol/records.js';
import type { Context } from './context.js';
import type { Session } from './session.js';

const states = ['outside', 'joined', 'detached', 'kept'] as const;
/** Sessions of one dialect, by their state. */
type Counts = Record<Session['state']['at'], number>;

/** What the core shows of itself when somebody looks. It walks over all sessions of this node, so a session costs it two additions and no text. */
export function readFigures({ hub, office, chats, media }: Context): GaugeReadings {
  const counts = new Map<string, Counts>();
  const count = ({ sink, state }: Session): void => {
    let known = counts.get(sink.dialect);
    if (known === undefined) {
      known = { outside: 0, joined: 0, detached: 0, kept: 0, closed: 0 };
      counts.set(sink.dialect, known);
    }
    known[state.at] += 1;
  };
  for (const session of hub.sessions) count(session);
  const rooms = new Map(roomModes.map((mode) => [mode, 0]));
  let elsewhere = 0;
  for (const { mode = 'P2P', members, remotes } of hub.rooms()) {
    rooms.set(mode, (rooms.get(mode) ?? 0) + 1);
    for (const { seat } of remotes.values()) if (seat.standing !== 'kept') elsewhere += 1;
    // Those with a socket were counted.
    for (const member of members.values()) if (!hub.sessions.has(member)) count(member);
  }
  const { links, waitingBytes } = office.burden;
  return {
    connections: hub.sessions.size,
    sessions: dialectLabels.flatMap((dialect) => {
      const own = [...counts].filter(([name]) => dialectLabel(name) === dialect);
      return states.map((state) => ({
        labels: { dialect, state },
        value: own.reduce((sum, [, known]) => sum + known[state], 0),
      }));
    }),
    rooms: [...rooms].map(([mode, value]) => ({ labels: { mode }, value })),
    peers_elsewhere: elsewhere,
    links,
    link_waiting_bytes: waitingBytes,
    chats_waiting: chats.waiting,
    media_service_available: ofServices(media, ({ isOpen }) => Number(isOpen)),
    media_service_load: ofServices(media, ({ load }) => load),
  };
}

function ofServices(
  { services }: Context['media'],
  read: (service: Context['media']['services'][number]) => number,
): readonly GaugeSample[] {
  return services.map((service) => ({ labels: { service: service.name }, value: read(service) }));
}
