import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, NumberValue } from '@aws-sdk/lib-dynamodb';
import { SignalingError } from '../../protocol/errors.js';
import type { Telemetry } from '../../ports/telemetry.js';
import { withinDeadline } from '../deadline.js';
import { timeCommands } from '../timed-commands.js';

/** Conditions are how it is asked. */
const ANSWERS: ReadonlySet<string> = new Set(['ConditionalCheckFailedException']);

export interface DynamoTableSettings {
  readonly region: string;
  readonly table: string;
  /** Bound of one call with all its retries. */
  readonly callTimeoutMs?: number;
  /** Bound of one attempt: a kept connection that died silently must leave time for a second one. */
  readonly attemptTimeoutMs?: number;
  readonly telemetry?: Telemetry;
}

/** A table and the connections to it. The endpoint can be set with the SDK's own variable `AWS_ENDPOINT_URL_DYNAMODB`. */
export class DynamoTable {
  readonly name: string;
  private readonly client: DynamoDBClient;
  private readonly documents: DynamoDBDocumentClient;
  private readonly callTimeoutMs: number;

  constructor(settings: DynamoTableSettings) {
    this.name = settings.table;
    this.callTimeoutMs = settings.callTimeoutMs ?? 4000;
    this.client = new DynamoDBClient({
      region: settings.region,
      maxAttempts: 3,
      requestHandler: {
        connectionTimeout: 1000,
        requestTimeout: settings.attemptTimeoutMs ?? 1500,
        throwOnRequestTimeout: true,
        httpAgent: { keepAlive: true, maxSockets: 64 },
        httpsAgent: { keepAlive: true, maxSockets: 64 },
      },
    });
    if (settings.telemetry !== undefined)
      timeCommands(this.client.middlewareStack, settings.telemetry, 'dynamodb', ANSWERS);
    this.documents = DynamoDBDocumentClient.from(this.client, {
      unmarshallOptions: { wrapNumbers: asNumber },
    });
  }

  /**
   * Runs calls that must settle within the bound, all together. Rejects with `STORE_UNAVAILABLE`; what the caller's
   * own checks say in a `SignalingError` stays as it is.
   */
  async call<Result>(
    run: (
      documents: DynamoDBDocumentClient,
      options: { readonly abortSignal: AbortSignal },
    ) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withinDeadline(this.callTimeoutMs, (abortSignal) => run(this.documents, { abortSignal }));
    } catch (cause) {
      if (cause instanceof SignalingError) throw cause;
      throw new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
    }
  }

  /** Lets go of the connections. Not for while calls are under way. */
  close(): void {
    this.client.destroy();
  }
}

/** The SDK throws at numbers beyond 2^53 unless told otherwise. A foreign item may have one, in a key that must go back as it came. */
function asNumber(text: string): number | NumberValue {
  const value = Number(text);
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER && String(value) === text
    ? value
    : NumberValue.from(text);
}
