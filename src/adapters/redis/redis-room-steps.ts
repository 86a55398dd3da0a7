import { randomUUID } from 'node:crypto';
import type { NodeId, PeerId, RoomId } from '../../protocol/ids.js';
import { keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisScript } from './redis-script.js';
import type { RedisTime } from './redis-time.js';
import { toLine } from './room-text.js';
import { roomScripts } from './room-scripts.js';

/** As long as the sender of an attempt waits for its answer. */
const ATTEMPT_MS = 1000;

const scripts = {
  enter: new RedisScript(roomScripts.enter),
  move: new RedisScript(roomScripts.move),
  update: new RedisScript(roomScripts.update),
  leave: new RedisScript(roomScripts.leave),
  reconcile: new RedisScript(roomScripts.reconcile),
  view: new RedisScript(roomScripts.view),
  sweep: new RedisScript(roomScripts.sweep),
  kick: new RedisScript(roomScripts.kick),
  transfer: new RedisScript(roomScripts.transfer),
  setMode: new RedisScript(roomScripts.setMode),
};

export interface RoomStep {
  readonly step: keyof typeof scripts;
  readonly roomId: RoomId;
  readonly peerId?: PeerId;
  /** When Redis may forget the room, unix seconds; 0 where that is not known. */
  readonly keepUntilS?: number;
  /** What the step's script wants from the seventh argument on. Asked anew for each attempt. */
  readonly args: () => readonly (string | number)[];
}

/** Runs the steps of `room-scripts.ts` for one node. */
export class RedisRoomSteps {
  private readonly self: string;

  constructor(
    private readonly redis: RedisConnection,
    private readonly time: RedisTime,
    nodeId: NodeId,
  ) {
    this.self = toLine(nodeId);
  }

  /** Resolves to the script's answer: its word first. `life` is this node's. */
  run({ step, roomId, peerId, keepUntilS = 0, args }: RoomStep, life: string): Promise<readonly string[]> {
    const publish = this.redis.shards === undefined ? 'PUBLISH' : 'SPUBLISH';
    const names = [keys.seats(roomId), keys.nodes(roomId), keys.roomChannel(roomId)];
    if (peerId !== undefined) names.push(keys.presence(roomId, peerId));
    return this.redis.run(async (client) => {
      const askedAtMs = performance.now();
      const common = () => {
        const deadlineMs = this.time.deadline(ATTEMPT_MS);
        return [publish, deadlineMs, randomUUID(), this.self, life, keepUntilS];
      };
      const answer = await scripts[step].run(client, names, () => [...common(), ...args()]);
      if (answer[0] !== 'late') return answer;
      // The answer is here in time: it is the idea of Redis's clock that is wrong. The connection tries again.
      this.time.learn(Number(answer[1]), askedAtMs);
      throw new Error('Redis has another time than was thought');
    }, `room_${step}`);
  }
}
