import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { Logger } from '../../ports/runtime.js';

type Export = SpanExporter['export'];

/** Hands spans to an exporter, and tells the log when it begins to fail, and when it works again. */
export class ToldExporter implements SpanExporter {
  private lost = 0;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly logger: Logger,
  ) {}

  export(spans: Parameters<Export>[0], onResult: Parameters<Export>[1]): void {
    this.exporter.export(spans, (result) => {
      if (result.error === undefined) this.worked();
      else this.failed(spans.length, result.error);
      onResult(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private worked(): void {
    if (this.lost > 0) this.logger.info('traces_exported_again', { count: this.lost });
    this.lost = 0;
  }

  /** The far end's answer is its own: the code says enough. */
  private failed(count: number, error: Error): void {
    const code = 'code' in error ? String(error.code) : error.name;
    if (this.lost === 0) this.logger.warn('traces_not_exported', { code, count });
    this.lost += count;
  }
}
