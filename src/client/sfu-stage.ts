import type { Frame } from './frames.js';
import type { RoomSession } from './room-session.js';
import { openTransport, type DeviceLike, type TransportLike } from './sfu-transport.js';

/** What one peer has at one router. */
export interface Stage {
  readonly epoch: string;
  readonly send: TransportLike;
  readonly recv: TransportLike;
  readonly rtpCapabilities: unknown;
  /** Media of others that there was. */
  readonly producers: readonly Frame[];
}

/** Rejects with what the server said against it, and leaves nothing open then. */
export async function openStage(session: RoomSession, device: DeviceLike): Promise<Stage> {
  const said = await session.request({ type: 'sfu_get_router_capabilities' });
  await device.load({ routerRtpCapabilities: said['rtp_capabilities'] as never });
  const send = await openTransport(session, 'send', (options) => device.createSendTransport(options));
  try {
    const recv = await openTransport(session, 'recv', (options) => device.createRecvTransport(options));
    const producers = said['producers'] as readonly Frame[];
    return { epoch: String(said['epoch']), send, recv, rtpCapabilities: device.rtpCapabilities, producers };
  } catch (error) {
    send.close();
    throw error;
  }
}

export function closeStage({ send, recv }: Stage): void {
  send.close();
  recv.close();
}
