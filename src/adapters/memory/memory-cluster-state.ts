import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';
import type { RoomChange } from '../../ports/presence.js';
import type { Clock } from '../../ports/runtime.js';
import { MemoryClusterNode } from './memory-cluster-node.js';
import { MemoryClusterRoom } from './memory-cluster-room.js';

/** More than one room looked at for each seat that is taken: what is past keeping cannot pile up. */
const LOOKS_PER_ENTER = 4;

/** The memory that the nodes of one process share. */
export class MemoryClusterState {
  readonly nodes = new Map<NodeId, MemoryClusterNode>();
  private readonly rooms = new Map<RoomId, MemoryClusterRoom>();
  private broom = this.rooms.entries();
  private lastNumber = 0;

  constructor(readonly clock: Clock) {}

  forget(): void {
    this.rooms.clear();
    this.broom = this.rooms.entries();
    for (const node of this.nodes.values()) node.lease = undefined;
  }

  /** The room, made when it is not there. */
  room(roomId: RoomId): MemoryClusterRoom {
    const known = this.rooms.get(roomId);
    if (known !== undefined) return known;
    const room = new MemoryClusterRoom(roomId, {
      nextNumber: () => this.nextNumber(),
      tell: (change) => {
        this.tell(change);
      },
      nowMs: () => this.clock.now(),
    });
    this.rooms.set(roomId, room);
    return room;
  }

  findRoom(roomId: RoomId): MemoryClusterRoom | undefined {
    return this.rooms.get(roomId);
  }

  roomsOf(peerId: PeerId): RoomId[] {
    return [...this.rooms].flatMap(([roomId, room]) => (room.has(peerId) ? [roomId] : []));
  }

  /** Nodes without a lease that have seats. */
  lapsedNodes(): NodeId[] {
    const without = [...this.nodes.values()].filter((node) => !node.hasLease(this.clock.now()));
    if (without.length === 0) return [];
    return without.flatMap(({ nodeId }) => (this.roomsWith(nodeId).length > 0 ? [nodeId] : []));
  }

  roomsWith(nodeId: NodeId): MemoryClusterRoom[] {
    return [...this.rooms.values()].filter((room) => room.hasSeatOf(nodeId));
  }

  /** Drops a few of the rooms that are over. */
  dropSome(): void {
    for (let looks = 0; looks < LOOKS_PER_ENTER; looks += 1) {
      const next = this.broom.next();
      if (next.done === true) {
        this.broom = this.rooms.entries();
        return;
      }
      const [roomId, room] = next.value;
      if (room.isOver(this.clock.now() / 1000)) this.rooms.delete(roomId);
    }
  }

  get nodeCount(): number {
    return this.nodes.size;
  }

  node(nodeId: NodeId): MemoryClusterNode {
    const known = this.nodes.get(nodeId);
    if (known !== undefined) return known;
    const node = new MemoryClusterNode(nodeId);
    this.nodes.set(nodeId, node);
    return node;
  }

  private nextNumber(): number {
    this.lastNumber += 1;
    return this.lastNumber;
  }

  private tell(change: RoomChange): void {
    for (const node of this.nodes.values()) node.tell(change);
  }
}
