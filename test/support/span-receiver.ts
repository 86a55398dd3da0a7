/** Takes traces as a collector does: OTLP over HTTP, in JSON. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

type Attributes = Readonly<Record<string, unknown>>;

export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  readonly kind: number;
  readonly attributes: Attributes;
  /** 2 is an error (trace.proto). */
  readonly status: { readonly code: number; readonly message?: string };
  /** Of the process that sent it. */
  readonly resource: Attributes;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<ReceivedSpan, 'attributes' | 'resource'> & {
        readonly attributes: readonly KeyValue[];
      })[];
    }[];
  }[];
}

export class SpanReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** All that was sent, as text. */
  readonly bodies: string[] = [];
  readonly paths = new Set<string>();

  private readonly server = createServer((request, response) => {
    this.paths.add(request.url ?? '');
    void this.#take(request).then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
    );
  });

  static async start(): Promise<SpanReceiver> {
    const receiver = new SpanReceiver();
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** The one of that name, or the first that begins with it. */
  named(name: string): ReceivedSpan {
    const found = this.spans.find((span) => span.name === name || span.name.startsWith(`${name} `));
    if (found === undefined)
      throw new Error(`no span ${name} among ${this.spans.map((span) => span.name).join(', ')}`);
    return found;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #take(request: IncomingMessage): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    this.bodies.push(body);
    for (const { resource, scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          const parentSpanId = (span.parentSpanId as string | undefined) ?? '';
          const attributes = plain(span.attributes);
          this.spans.push({ ...span, parentSpanId, attributes, resource: plain(resource.attributes) });
        }
      }
    }
  }
}

function plain(attributes: readonly KeyValue[]): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
