/** One row for each call: its path, the shape of what is asked, and who answers. */
import type { z } from 'zod';
import {
  closeProducerSchema,
  connectTransportSchema,
  consumeSchema,
  createTransportSchema,
  keepSchema,
  ofOwnerSchema,
  ofRoomSchema,
  produceSchema,
  resumeConsumerSchema,
} from '../protocol/media-api.js';
import { MediaRefusal } from './media-refusal.js';
import type { MediaService } from './media-service.js';

export interface MediaCall {
  readonly path: string;
  readonly maxBytes: number;
  /** `{}` where there is nothing to tell. Rejects with `MediaRefusal`. */
  readonly answer: (body: unknown) => Promise<unknown>;
}

const usualBytes = 256 * 1_024;
/** The sessions of all SFU rooms of a node. */
const keepBytes = 8 * 1_024 * 1_024;

function call<Asked>(
  path: string,
  schema: z.ZodType<Asked>,
  run: (asked: Asked) => unknown,
  maxBytes = usualBytes,
): MediaCall {
  return {
    path,
    maxBytes,
    answer: async (body) => (await run(parsed(schema, body))) ?? {},
  };
}

export function mediaCalls(service: MediaService): readonly MediaCall[] {
  return [
    call('/keep', keepSchema, (asked) => service.keep(asked), keepBytes),
    call('/routers', ofRoomSchema, (asked) => service.openRouter(asked)),
    call('/routers/close', ofRoomSchema, (asked) => {
      service.closeRouter(asked);
      return undefined;
    }),
    call('/producers/list', ofRoomSchema, (asked) => service.producers(asked)),
    call('/transports', createTransportSchema, (asked) => service.createTransport(asked)),
    call('/transports/connect', connectTransportSchema, (asked) => service.connectTransport(asked)),
    call('/producers', produceSchema, (asked) => service.produce(asked)),
    call('/producers/close', closeProducerSchema, (asked) => service.closeProducer(asked)),
    call('/consumers', consumeSchema, (asked) => service.consume(asked)),
    call('/consumers/resume', resumeConsumerSchema, (asked) => service.resumeConsumer(asked)),
    call('/owners/close', ofOwnerSchema, (asked) => {
      service.closeOwner(asked);
      return undefined;
    }),
  ];
}

const maxMessageChars = 1_000;

function parsed<Asked>(schema: z.ZodType<Asked>, body: unknown): Asked {
  const result = attempt(schema, body);
  if (result.success) return result.data;
  const faults = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'The body'}: ${message}`,
  );
  throw new MediaRefusal('INVALID', faults.join('; ').slice(0, maxMessageChars));
}

function attempt<Asked>(schema: z.ZodType<Asked>, body: unknown): z.ZodSafeParseResult<Asked> {
  try {
    return schema.safeParse(body);
  } catch (error) {
    // Nested deeper than the stack is.
    throw new MediaRefusal('INVALID', 'The body is nested too deep.', { cause: error });
  }
}
