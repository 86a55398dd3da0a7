import type { Audit, AuditEvent, AuditFields } from '../../ports/audit.js';
import type { Clock, Logger } from '../../ports/runtime.js';
import { auditRule, type AuditRule } from './audit-rules.js';
import type { AuditSink } from './audit-sink.js';
import { maxLogChars } from './describe-error.js';

export interface AuditLogParts {
  readonly sink: AuditSink;
  /** The name of this node, on every line. */
  readonly node: string;
  readonly clock: Clock;
  /** Where it is told that the trail has a hole. */
  readonly logger: Logger;
}

/** Of one event in its time. */
interface Window {
  readonly rule: AuditRule;
  readonly cancel: () => void;
  written: number;
  /** Address -> how often; bounded by `inAll`, as no more than that many are written. */
  readonly byAddress: Map<string, number>;
  /** Address -> how many were not written. */
  readonly unwritten: Map<string, number>;
  /** Those of addresses that there was no room to remember. */
  unwrittenElsewhere: number;
}

/** So many addresses are named when a time is over; the others are one number. */
const maxNamed = 100;

/**
 * JSON lines `{log: 'audit', time, event, node, …fields}`. Of each event and address the first are written, the rest is
 * one line with `unwritten`, how many there were. A sink that fails is told to the log, once, and never to the caller.
 */
export class AuditLog implements Audit {
  private readonly windows = new Map<AuditEvent, Window>();
  /** Since the sink began to fail. */
  private lost = 0;

  constructor(private readonly parts: AuditLogParts) {}

  record(event: AuditEvent, fields: AuditFields = {}): void {
    const window = this.windows.get(event) ?? this.begin(event);
    const address = fields.address ?? '';
    const seen = window.byAddress.get(address) ?? 0;
    if (seen < window.rule.perAddress && window.written < window.rule.inAll) {
      window.byAddress.set(address, seen + 1);
      window.written += 1;
      this.write(event, fields);
    } else if (window.unwritten.has(address) || window.unwritten.size < maxNamed) {
      window.unwritten.set(address, (window.unwritten.get(address) ?? 0) + 1);
    } else window.unwrittenElsewhere += 1;
  }

  /** After a SIGHUP: goes on in a new file. */
  reopen(): void {
    try {
      this.parts.sink.reopen();
    } catch (error) {
      this.parts.logger.error('audit_not_reopened', { error });
    }
  }

  /** Tells what was counted so far. */
  flush(): void {
    for (const event of [...this.windows.keys()]) this.end(event);
  }

  /** Tells what was counted, and ends. */
  close(): void {
    this.flush();
    this.parts.sink.close();
  }

  private begin(event: AuditEvent): Window {
    const rule = auditRule(event);
    const window: Window = {
      rule,
      cancel: this.parts.clock.after(rule.perMs, () => {
        this.end(event);
      }),
      written: 0,
      byAddress: new Map(),
      unwritten: new Map(),
      unwrittenElsewhere: 0,
    };
    this.windows.set(event, window);
    return window;
  }

  private end(event: AuditEvent): void {
    const window = this.windows.get(event);
    if (window === undefined) return;
    window.cancel();
    this.windows.delete(event);
    for (const [address, unwritten] of window.unwritten)
      this.write(event, { ...(address !== '' && { address }), unwritten });
    if (window.unwrittenElsewhere > 0) this.write(event, { unwritten: window.unwrittenElsewhere });
  }

  private write(event: AuditEvent, fields: AuditFields & { readonly unwritten?: number }): void {
    const { sink, node, clock, logger } = this.parts;
    const time = new Date(clock.now()).toISOString();
    const line = JSON.stringify({ log: 'audit', time, event, node, ...fields }, short);
    // What failed may have written a part of a line.
    const begin = this.lost > 0 ? '\n' : '';
    try {
      sink.write(`${begin}${line}\n`);
      if (this.lost > 0) logger.warn('audit_written_again', { count: this.lost });
      this.lost = 0;
    } catch (error) {
      if (this.lost === 0) logger.error('audit_not_written', { error });
      this.lost += 1;
    }
  }
}

/** Clients name rooms and peers. */
function short(_key: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > maxLogChars ? `${value.slice(0, maxLogChars)}…` : value;
}
