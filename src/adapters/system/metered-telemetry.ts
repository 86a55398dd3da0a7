import type { CallOutcome } from '../../ports/calls.js';
import type { Clock, Tally } from '../../ports/runtime.js';
import type { SpanName, Telemetry } from '../../ports/telemetry.js';
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';

/** Somebody did not answer, or we failed; any other code is an answer. */
const failures: ReadonlySet<ErrorCode> = new Set([
  'IDENTITY_UNAVAILABLE',
  'STORE_UNAVAILABLE',
  'MEDIA_UNAVAILABLE',
  'PEER_UNREACHABLE',
  'INTERNAL',
]);

/** Times whatever waits for somebody else, into `Tally.metrics.calls`. */
export class MeteredTelemetry implements Telemetry {
  constructor(
    private readonly tally: Tally,
    private readonly clock: Clock,
  ) {}

  async timed<Result>(span: SpanName, operation: string, run: () => Promise<Result>): Promise<Result> {
    const sinceMs = this.clock.elapsed();
    let outcome: CallOutcome = 'ok';
    try {
      return await run();
    } catch (error) {
      outcome = error instanceof SignalingError && !failures.has(error.code) ? 'refused' : 'failed';
      throw error;
    } finally {
      const ms = this.clock.elapsed() - sinceMs;
      this.tally.metrics.calls.histogram(span, operation, outcome).observe(ms);
    }
  }
}
