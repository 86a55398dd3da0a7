import type { z } from 'zod';
import type { MediaService } from '../../ports/media-service.js';
import { noTelemetry, type Telemetry } from '../../ports/telemetry.js';
import { SignalingError, type ErrorCode } from '../../protocol/errors.js';
import type { RoomId, SessionId } from '../../protocol/ids.js';
import {
  consumerSchema,
  doneSchema,
  keptSchema,
  mediaHealthSchema,
  mediaRefusalSchema,
  producedSchema,
  producerListSchema,
  routerSchema,
  transportSchema,
  type CloseProducer,
  type ConnectTransport,
  type Consume,
  type ConsumerInfo,
  type CreateTransport,
  type Kept,
  type MediaHealth,
  type MediaRefusalCode,
  type OfOwner,
  type Produce,
  type Produced,
  type ProducerList,
  type ResumeConsumer,
  type RouterInfo,
  type TransportInfo,
} from '../../protocol/media-api.js';
import { InternalHttp, type InternalAnswer, type InternalMethod } from './internal-http.js';

const roundMs = 1_000;
const requestMs = 2_000;
/** A room of a thousand peers with their camera, voice and screen is half of this. */
const maxAnswerBytes = 8 * 1024 * 1024;

/** What a refusal of the service is to a peer. The rest is between the two services. */
const told: Readonly<Partial<Record<MediaRefusalCode, ErrorCode>>> = {
  INVALID: 'INVALID_MESSAGE',
  NOT_FOUND: 'MEDIA_NOT_FOUND',
  NO_ROUTER: 'MEDIA_RESTARTED',
  FULL: 'MEDIA_FULL',
  INTERNAL: 'INTERNAL',
};

export interface HttpMediaServiceSettings {
  readonly baseUrl: string;
  /** The internal key. A SECRET. */
  readonly key: string;
  /** Bounds of what this node asks for itself every second, and of what it asks for a peer. */
  readonly roundMs?: number;
  readonly requestMs?: number;
  readonly telemetry?: Telemetry;
}

interface Asked {
  readonly method?: InternalMethod;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** A Media Service as `protocol/media-api.ts` has it, over HTTP. Nothing is tried again: most of it would be done twice. */
export class HttpMediaService implements MediaService {
  readonly name: string;
  readonly #http: InternalHttp;
  readonly #roundMs: number;
  readonly #telemetry: Telemetry;

  constructor(settings: HttpMediaServiceSettings) {
    const { baseUrl, key } = settings;
    this.name = baseUrl;
    this.#telemetry = settings.telemetry ?? noTelemetry;
    this.#roundMs = settings.roundMs ?? roundMs;
    this.#http = new InternalHttp({
      traces: this.#telemetry.traces,
      baseUrl,
      key,
      timeoutMs: settings.requestMs ?? requestMs,
      maxAnswerBytes,
    });
  }

  health(): Promise<MediaHealth> {
    return this.#ask('/health', mediaHealthSchema, { method: 'GET', timeoutMs: this.#roundMs });
  }

  keep(rooms: ReadonlyMap<RoomId, readonly SessionId[]>): Promise<Kept> {
    const body = { rooms: Object.fromEntries(rooms) };
    return this.#ask('/keep', keptSchema, { body, timeoutMs: this.#roundMs });
  }

  openRouter(roomId: RoomId): Promise<RouterInfo> {
    return this.#ask('/routers', routerSchema, { body: { roomId } });
  }

  async closeRouter(roomId: RoomId): Promise<void> {
    await this.#ask('/routers/close', doneSchema, { body: { roomId } });
  }

  producers(roomId: RoomId): Promise<ProducerList> {
    return this.#ask('/producers/list', producerListSchema, { body: { roomId } });
  }

  createTransport(body: CreateTransport): Promise<TransportInfo> {
    return this.#ask('/transports', transportSchema, { body });
  }

  async connectTransport(body: ConnectTransport): Promise<void> {
    await this.#ask('/transports/connect', doneSchema, { body });
  }

  produce(body: Produce): Promise<Produced> {
    return this.#ask('/producers', producedSchema, { body });
  }

  async closeProducer(body: CloseProducer): Promise<void> {
    await this.#ask('/producers/close', doneSchema, { body });
  }

  consume(body: Consume): Promise<ConsumerInfo> {
    return this.#ask('/consumers', consumerSchema, { body });
  }

  async resumeConsumer(body: ResumeConsumer): Promise<void> {
    await this.#ask('/consumers/resume', doneSchema, { body });
  }

  async closeOwner(body: OfOwner): Promise<void> {
    await this.#ask('/owners/close', doneSchema, { body });
  }

  /** Rejects with a `SignalingError`, as the port says. */
  #ask<Answer>(path: string, schema: z.ZodType<Answer>, asked: Asked): Promise<Answer> {
    const operation = path.slice(1).replaceAll('/', '_');
    return this.#telemetry.timed('media_service', operation, () => this.#once(path, schema, asked));
  }

  async #once<Answer>(
    path: string,
    schema: z.ZodType<Answer>,
    { method = 'POST', ...asked }: Asked,
  ): Promise<Answer> {
    let answer: InternalAnswer;
    try {
      answer = await this.#http.request(method, path, asked);
    } catch (cause) {
      throw unavailable(cause);
    }
    if (answer.status >= 400) throw refusalOf(answer);
    const read = schema.safeParse(answer.body);
    if (!read.success) throw unavailable(new Error(`the Media Service answers ${path} with something else`));
    return read.data;
  }
}

function refusalOf({ status, body }: InternalAnswer): SignalingError {
  const refusal = mediaRefusalSchema.safeParse(body);
  if (!refusal.success) return unavailable(new Error(`the Media Service answered ${String(status)}`));
  const { code, message } = refusal.data;
  const toldCode = told[code];
  if (toldCode === undefined) return unavailable(new Error(`the Media Service refused: ${code}`));
  // Only what is wrong with a request is more than the code's own text says.
  return new SignalingError(toldCode, code === 'INVALID' ? message : undefined);
}

function unavailable(cause: unknown): SignalingError {
  return new SignalingError('MEDIA_UNAVAILABLE', undefined, { cause });
}
