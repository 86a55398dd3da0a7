/** What the gauges show: the core's, and what lies around it. */
import type { SignalingNode } from './core/signaling-node.js';
import { memoryLimitBytes } from './memory-limit.js';
import { notReadyReasons, type GaugeReadings } from './ports/metrics.js';
import { version } from './version.js';

export interface FigureParts {
  readonly node: Pick<SignalingNode, 'figures' | 'notReady'>;
  readonly nodeName: string;
  readonly maxConnections: number;
  readonly maxWaitingBytes: number;
  readonly outboxBytes: () => number;
  /** `undefined`: there is no Redis. */
  readonly isRedisReady: (() => boolean) | undefined;
}

/**
 * Reads them all. Whether this node is ready may take its store some seconds to say, just when the figures are wanted most:
 * the last answer is shown, and the next one asked for.
 */
export function createFigures({
  node,
  nodeName,
  maxConnections,
  maxWaitingBytes,
  outboxBytes,
  isRedisReady,
}: FigureParts): () => GaugeReadings {
  let reasons: readonly string[] = [];
  return () => {
    void node.notReady().then((now) => {
      reasons = now.map((reason) => reason.replaceAll(' ', '_'));
    });
    return {
      ...node.figures(),
      connections_limit: maxConnections,
      waiting_limit_bytes: maxWaitingBytes,
      memory_limit_bytes: memoryLimitBytes(),
      outbox_bytes: outboxBytes(),
      ready: Number(reasons.length === 0),
      not_ready: notReadyReasons.map((reason) => ({
        labels: { reason },
        value: Number(reasons.includes(reason)),
      })),
      ...(isRedisReady !== undefined && { redis_connected: Number(isRedisReady()) }),
      build_info: [{ labels: { version, node: nodeName }, value: 1 }],
    };
  };
}
