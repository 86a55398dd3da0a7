import type { NodeId, PeerId } from '../../protocol/ids.js';
import type { RoomMode, SeatRecord } from '../../protocol/records.js';
import type {
  AuthorityOutcome,
  Presence,
  ReconcileTerms,
  RoomChange,
  SeatKey,
} from '../../ports/presence.js';
import { takesPlace, type MemoryClusterHost } from './memory-cluster-host.js';

type ModeChange = Extract<RoomChange['what'], { readonly kind: 'mode' }>;

export interface MemoryClusterModeParts {
  readonly seats: ReadonlyMap<PeerId, SeatRecord>;
  /** The number at which this memory began: seats with a lower `since` are older. */
  readonly born: number;
  readonly host: Pick<MemoryClusterHost, 'settle' | 'isHost'>;
  readonly tell: (origin: NodeId, change: ModeChange) => void;
}

/** Whether a room is `P2P` or `SFU`. */
export class MemoryClusterMode {
  private mode: RoomMode | undefined;
  /** It is as the room's record said when somebody came: a node that knows better is believed. */
  private isOfRecord = true;

  constructor(private readonly parts: MemoryClusterModeParts) {}

  get current(): RoomMode | undefined {
    return this.mode;
  }

  /** Somebody comes: an empty room is as its record says. */
  begin(origin: NodeId, mode: RoomMode = 'P2P', isNew: boolean): void {
    if (this.mode === mode || (this.mode !== undefined && this.isAnybodyThere())) return;
    // Nobody has a copy of a room that has just begun.
    if (isNew) this.mode = mode;
    else this.become(origin, { kind: 'mode', mode, reason: 'host' });
    this.isOfRecord = true;
  }

  set(origin: NodeId, mode: RoomMode, { by, reason }: Parameters<Presence['setMode']>[2]): AuthorityOutcome {
    this.parts.host.settle(origin);
    if (by !== undefined && !this.parts.host.isHost(by)) return 'not host';
    if (!this.isAnybodyThere()) return 'absent';
    this.isOfRecord = false;
    this.become(origin, { kind: 'mode', mode, reason, ...who(by) });
    return 'done';
  }

  /** After an interruption: the mode as a node knew it that had seats before this memory began. */
  recall(origin: NodeId, own: readonly SeatRecord[], { mode }: ReconcileTerms): void {
    const isOld = own.some(({ since }) => since < this.parts.born);
    if (mode === undefined || !isOld || !this.isOfRecord) return;
    this.isOfRecord = false;
    this.become(origin, { kind: 'mode', mode, reason: 'host' });
  }

  private become(origin: NodeId, change: ModeChange): void {
    if (this.mode === change.mode) return;
    this.mode = change.mode;
    this.parts.tell(origin, change);
  }

  private isAnybodyThere(): boolean {
    return [...this.parts.seats.values()].some(takesPlace);
  }
}

function who(by: SeatKey | undefined): Pick<ModeChange, 'by'> {
  return by === undefined ? {} : { by: by.peerId };
}
