/** Spans of what waits for others, sent by OTLP over HTTP. Loaded only when there is somewhere to send them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Clock, Logger } from '../../ports/runtime.js';
import type { SpanFields, SpanName, Telemetry, Traces } from '../../ports/telemetry.js';
import { SignalingError } from '../../protocol/errors.js';
import { NodeResource, type NodeAttributes } from './node-resource.js';
import { ToldExporter } from './told-exporter.js';
import { readTraceparent, writeTraceparent } from './traceparent.js';

/** A collector that is down must not hold up the end of the process. */
const lastFlushMs = 2_000;
/** As the log has it. */
const maxChars = 256;

export interface TracingSettings extends NodeAttributes {
  /** Where the spans go. */
  readonly url: string;
}

/**
 * Nothing is registered globally: an application that the server is embedded in keeps its own OpenTelemetry, and two
 * servers in one process their own traces. Parents go by an `AsyncLocalStorage` of each.
 */
export class Tracing implements Traces {
  private readonly contexts = new AsyncLocalStorage<Context>();
  private readonly provider: NodeTracerProvider;
  private readonly tracer: ReturnType<NodeTracerProvider['getTracer']>;

  constructor(
    { url, ...attributes }: TracingSettings,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    const exporter = new ToldExporter(new OTLPTraceExporter({ url }), logger);
    this.provider = new NodeTracerProvider({
      resource: new NodeResource(attributes),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    this.tracer = this.provider.getTracer('webrtc-signaling', attributes.version);
  }

  /** The same telemetry, with a span around whatever is timed. */
  around(telemetry: Telemetry): Telemetry {
    return {
      traces: this,
      timed: (span, operation, run, fields) =>
        this.span(span, operation, fields, () => telemetry.timed(span, operation, run, fields)),
    };
  }

  continueFrom<Result>(traceparent: unknown, run: () => Result): Result {
    const parent = readTraceparent(traceparent);
    return this.contexts.run(
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      run,
    );
  }

  current(): string | undefined {
    const context = this.contexts.getStore();
    const span = context === undefined ? undefined : trace.getSpanContext(context);
    return span === undefined ? undefined : writeTraceparent(span);
  }

  /** Sends what there is, within two seconds. Never rejects. */
  async close(): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.clock.after(lastFlushMs, resolve);
    });
    try {
      await Promise.race([this.provider.shutdown(), late]);
    } catch (error) {
      // The exporter has told why.
      this.logger.debug('traces_not_flushed', { code: error instanceof Error ? error.name : 'unknown' });
    } finally {
      cancel();
    }
  }

  private async span<Result>(
    name: SpanName,
    operation: string,
    fields: (() => SpanFields) | undefined,
    run: () => Promise<Result>,
  ): Promise<Result> {
    const parent = this.contexts.getStore() ?? ROOT_CONTEXT;
    const kind = name === 'join' ? SpanKind.SERVER : SpanKind.CLIENT;
    const title = operation === '' ? name : `${name} ${operation}`;
    const span = this.tracer.startSpan(title, { kind }, parent);
    try {
      return await this.contexts.run(trace.setSpan(parent, span), run);
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      if (fields !== undefined) span.setAttributes(bounded(fields()));
      span.end();
    }
  }
}

/** Clients name rooms, and those that are refused too. */
function bounded(fields: SpanFields): SpanFields {
  const cut = (value: SpanFields[string]): SpanFields[string] =>
    typeof value === 'string' ? value.slice(0, maxChars) : value;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cut(value)]));
}

/** Its code or its name. Its text may be a vendor's, and quote what it was given. */
function fail(span: Span, error: unknown): void {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const type = typeof code === 'string' ? code : error instanceof Error ? error.name : typeof error;
  span.setAttribute('error.type', type);
  // That a client is refused is no failure of ours.
  const isRefusal = error instanceof SignalingError && error.httpStatus < 500;
  if (!isRefusal) span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}
