/** What is told of the server: its log, its audit trail and its traces. */
import { types } from 'node:util';
import { standardOutput } from './adapters/standard-output.js';
import { AuditLog } from './adapters/system/audit-log.js';
import { auditFile, auditOnStandardOutput, type AuditSink } from './adapters/system/audit-sink.js';
import { PinoLogger } from './adapters/system/pino-logger.js';
import { ThinnedLogger } from './adapters/system/thinned-logger.js';
import { ConfigError, type Config } from './config.js';
import type { Ports } from './core/context.js';
import { noAudit, type Audit } from './ports/audit.js';
import type { Clock, Logger } from './ports/runtime.js';
import type { Telemetry } from './ports/telemetry.js';
import type { NodeId } from './protocol/ids.js';
import { version } from './version.js';

/** Who reads standard output may have stopped. */
const lastLinesMs = 1_000;

export interface Observers {
  readonly logger: Logger;
  readonly audit: Audit;
  /** With a span around whatever is timed, if traces go anywhere. */
  traced(telemetry: Telemetry): Telemetry;
  /** The server takes part from now on. */
  started(decisions: readonly string[]): void;
  draining(): void;
  /** The audit trail goes on in a new file: the old one was moved away. */
  reopen(): void;
  /** Says the last of it. Never rejects. */
  close(): Promise<void>;
}

/** `overrides` takes the place of log and audit trail. Rejects with `ConfigError` when the trail cannot be written. */
export async function openObservers(
  config: Config,
  node: NodeId,
  clock: Clock,
  overrides: Partial<Ports>,
): Promise<Observers> {
  const thinned = new ThinnedLogger(new PinoLogger({ level: config.logLevel, node }), clock);
  const logger = overrides.logger ?? thinned;
  const sink = overrides.audit === undefined ? sinkOf(config) : undefined;
  const trail = sink === undefined ? undefined : new AuditLog({ sink, node, clock, logger });
  const audit = overrides.audit ?? trail ?? noAudit;
  const tracing = await openTracing(config, node, clock, logger);
  const unwatch = standardOutput().onLost((count) => {
    logger.error('lines_lost', { count });
  });
  let isStarted = false;
  return {
    logger,
    audit,
    traced: (telemetry) => tracing?.around(telemetry) ?? telemetry,
    started(decisions) {
      isStarted = true;
      logger.info('started', { version, decisions });
      audit.record('started', { code: version });
    },
    draining() {
      if (!isStarted) return;
      logger.info('draining');
      audit.record('draining');
    },
    reopen: () => trail?.reopen(),
    async close() {
      await tracing?.close();
      if (isStarted) {
        // What was counted comes before the end, which is the last line.
        trail?.flush();
        thinned.flush();
        logger.info('stopped');
        audit.record('stopped');
      }
      trail?.close();
      thinned.flush();
      unwatch();
      await within(clock, lastLinesMs, standardOutput().flush());
    },
  };
}

function within(clock: Clock, ms: number, done: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    void done.then(() => {
      cancel();
      resolve();
    });
  });
}

function sinkOf({ auditLog }: Config): AuditSink | undefined {
  if (auditLog === 'none') return undefined;
  if (auditLog === 'stdout') return auditOnStandardOutput();
  try {
    return auditFile(auditLog);
  } catch (error) {
    const reason = error instanceof Error || types.isNativeError(error) ? error.message : String(error);
    throw new ConfigError([`AUDIT_LOG cannot be written: ${reason}`]);
  }
}

/** Who traces nothing does not even load what it takes. */
async function openTracing({ tracing }: Config, node: NodeId, clock: Clock, logger: Logger) {
  if (tracing === undefined) return undefined;
  const { Tracing } = await import('./adapters/tracing/tracing.js');
  return new Tracing({ ...tracing, node, version }, clock, logger);
}
