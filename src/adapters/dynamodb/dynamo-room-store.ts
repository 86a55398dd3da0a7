import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { SignalingError } from '../../protocol/errors.js';
import { asRoomId, type RoomId } from '../../protocol/ids.js';
import type { RoomRecord } from '../../protocol/records.js';
import type { RoomStore } from '../../ports/room-store.js';
import { withinDeadline } from '../deadline.js';

export interface DynamoRoomStoreSettings {
  readonly region: string;
  readonly table: string;
  /** Bound of one call with all its retries. */
  readonly callTimeoutMs?: number;
  /** Bound of one attempt: a kept connection that died silently must leave time for a second one. */
  readonly attemptTimeoutMs?: number;
}

/**
 * Rooms in the Python server's table: `room_id` (S, the only key), `created_by` (S), `token` (S), `expires_at` (N, unix
 * seconds). The endpoint can be set with the SDK's own variable `AWS_ENDPOINT_URL_DYNAMODB`.
 * Needs `dynamodb:GetItem`, `PutItem` and `DeleteItem` on that table and nothing else.
 */
export class DynamoRoomStore implements RoomStore {
  private readonly client: DynamoDBClient;
  private readonly documents: DynamoDBDocumentClient;
  private readonly table: string;
  private readonly callTimeoutMs: number;

  constructor(settings: DynamoRoomStoreSettings) {
    this.table = settings.table;
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
    this.documents = DynamoDBDocumentClient.from(this.client);
  }

  /**
   * A retry after a lost answer finds its own item and says `taken`; the caller then takes another id and the lost
   * item expires.
   */
  async create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    const put = new PutCommand({
      TableName: this.table,
      Item: {
        room_id: record.roomId,
        created_by: record.createdBy,
        token: record.token,
        expires_at: record.expiresAtS,
      },
      ConditionExpression: 'attribute_not_exists(room_id) OR expires_at < :now',
      ExpressionAttributeValues: { ':now': nowS },
    });
    return this.bounded(async (signal) => {
      try {
        await this.documents.send(put, { abortSignal: signal });
        return 'created';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'taken';
        throw error;
      }
    });
  }

  async find(roomId: RoomId): Promise<RoomRecord | undefined> {
    const get = new GetCommand({ TableName: this.table, Key: { room_id: roomId }, ConsistentRead: true });
    return this.bounded(async (signal) => {
      const { Item: item } = await this.documents.send(get, { abortSignal: signal });
      return item === undefined ? undefined : asRecord(item);
    });
  }

  async remove(roomId: RoomId): Promise<void> {
    const del = new DeleteCommand({ TableName: this.table, Key: { room_id: roomId } });
    await this.bounded((signal) => this.documents.send(del, { abortSignal: signal }));
  }

  /** Reads a key that no room has: proves network, credentials, table and permission without one permission more. */
  async check(): Promise<void> {
    const get = new GetCommand({
      TableName: this.table,
      Key: { room_id: '-' },
      ProjectionExpression: 'room_id',
    });
    await this.bounded((signal) => this.documents.send(get, { abortSignal: signal }));
  }

  /** Lets go of the connections. Not for while calls are under way. */
  close(): void {
    this.client.destroy();
  }

  private async bounded<Result>(call: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    try {
      return await withinDeadline(this.callTimeoutMs, call);
    } catch (cause) {
      throw new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
    }
  }
}

/** Throws unless the item has the four attributes in their types; further attributes are let be. */
function asRecord(item: Record<string, unknown>): RoomRecord {
  const { room_id: roomId, created_by: createdBy, token, expires_at: expiresAtS } = item;
  if (
    typeof roomId !== 'string' ||
    typeof createdBy !== 'string' ||
    typeof token !== 'string' ||
    typeof expiresAtS !== 'number' ||
    !Number.isInteger(expiresAtS)
  ) {
    throw new Error('an item of the rooms table lacks an attribute or has one of another type');
  }
  return { roomId: asRoomId(roomId), createdBy, token, expiresAtS };
}
