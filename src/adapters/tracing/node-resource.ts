import type { NodeTracerConfig } from '@opentelemetry/sdk-trace-node';

type Resource = NonNullable<NodeTracerConfig['resource']>;

export interface NodeAttributes {
  readonly serviceName: string;
  readonly node: string;
  readonly version: string;
  /** What the operator says of it; what we know better holds. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What all spans of this process say of it (OpenTelemetry's semantic conventions for resources). */
export class NodeResource implements Resource {
  readonly attributes: Resource['attributes'];

  constructor({ serviceName, node, version, attributes }: NodeAttributes) {
    this.attributes = {
      ...attributes,
      'service.name': serviceName,
      'service.instance.id': node,
      'service.version': version,
    };
  }

  /** Nobody adds to it. */
  merge(): Resource {
    return this;
  }

  getRawAttributes(): ReturnType<Resource['getRawAttributes']> {
    return Object.entries(this.attributes);
  }
}
