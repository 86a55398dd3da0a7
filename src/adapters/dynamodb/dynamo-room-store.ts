import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
  type DynamoDBDocumentClient,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { RoomId } from '../../protocol/ids.js';
import type { RoomMode, RoomRecord, RoomStatus } from '../../protocol/records.js';
import type { RoomPage, RoomQuery, RoomStore } from '../../ports/room-store.js';
import {
  asListed,
  isOurs,
  MORE_LOOKS,
  readPage,
  type Foreign,
  type RoomEntry,
  type Shelves,
} from '../room-pages.js';
import { DynamoTable, type DynamoTableSettings } from './dynamo-table.js';
import { asItem, asRecord, readRecord, statusAttribute } from './room-item.js';

/** The global secondary index that `list` reads. Sparse: of our rooms only open ones with a listing are in it. */
const INDEX = 'by_status';
/** A page of DynamoDB's, which is cut at 1 MiB too. */
const ITEMS_PER_QUERY = 1000;
/** Behind the first, so that what is passed over does not cost a query an item. */
const LEAST_PER_QUERY = 100;

interface Listed extends RoomEntry {
  readonly record: RoomRecord;
}
type Options = Parameters<DynamoDBDocumentClient['send']>[1];

/**
 * Rooms in the Python server's table, whose only key is `room_id` (`room-item.ts`).
 * Needs `dynamodb:GetItem`, `PutItem` and `DeleteItem` on that table; rooms that are listed or change their mode need
 * `UpdateItem` and, on the index `by_status` (hash `status` S, range `created_at` N, all attributes), `Query`.
 */
export class DynamoRoomStore implements RoomStore {
  private readonly table: DynamoTable;

  constructor(settings: DynamoTableSettings) {
    this.table = new DynamoTable(settings);
  }

  /**
   * A retry after a lost answer finds its own item and says `taken`; the caller then takes another id and the lost
   * item expires.
   */
  create(record: RoomRecord, nowS: number): Promise<'created' | 'taken'> {
    const put = new PutCommand({
      TableName: this.table.name,
      Item: asItem(record),
      ConditionExpression: 'attribute_not_exists(room_id) OR expires_at < :now',
      ExpressionAttributeValues: { ':now': nowS },
    });
    return this.table.call(async (documents, options) => {
      const isDone = await holds(documents.send(put, options));
      return isDone ? 'created' : 'taken';
    });
  }

  find(roomId: RoomId): Promise<RoomRecord | undefined> {
    const get = new GetCommand({
      TableName: this.table.name,
      Key: { room_id: roomId },
      ConsistentRead: true,
    });
    return this.table.call(async (documents, options) => {
      const { Item: item } = await documents.send(get, options);
      return item === undefined ? undefined : asRecord(item);
    });
  }

  /** An index is a moment behind its table: a room that was just made may be missing. */
  list(query: RoomQuery): Promise<RoomPage> {
    return this.table.call(async (documents, options) => {
      const { entries, ...rest } = await readPage(query, this.shelves(documents, options));
      return { rooms: entries.map(({ record }) => asListed(record, query.nowS)), ...rest };
    });
  }

  /** Whether the room is open decides which attribute it is, and only the table knows: the other is tried second. */
  setStatus(roomId: RoomId, status: RoomStatus): Promise<boolean> {
    const update = (isOpen: boolean): UpdateCommand =>
      new UpdateCommand({
        TableName: this.table.name,
        Key: { room_id: roomId },
        UpdateExpression: 'SET #status = :status',
        ConditionExpression: `attribute_exists(#status) AND attribute_exists(created_at) AND ${isOpen ? '' : 'NOT '}is_open = :open`,
        ExpressionAttributeNames: { '#status': statusAttribute(isOpen) },
        ExpressionAttributeValues: { ':status': status, ':open': true },
      });
    return this.table.call(
      async (documents, options) =>
        (await holds(documents.send(update(true), options))) ||
        (await holds(documents.send(update(false), options))),
    );
  }

  setMode(roomId: RoomId, mode: RoomMode): Promise<boolean> {
    const update = new UpdateCommand({
      TableName: this.table.name,
      Key: { room_id: roomId },
      UpdateExpression: 'SET #mode = :mode',
      ConditionExpression: 'attribute_exists(room_id)',
      ExpressionAttributeNames: { '#mode': 'mode' },
      ExpressionAttributeValues: { ':mode': mode },
    });
    return this.table.call((documents, options) => holds(documents.send(update, options)));
  }

  async remove(roomId: RoomId): Promise<void> {
    const del = new DeleteCommand({ TableName: this.table.name, Key: { room_id: roomId } });
    await this.table.call((documents, options) => documents.send(del, options));
  }

  /** Reads a key that no room has: proves network, credentials, table and permission without one permission more. */
  async check(): Promise<void> {
    const get = new GetCommand({
      TableName: this.table.name,
      Key: { room_id: '-' },
      ProjectionExpression: 'room_id',
    });
    await this.table.call((documents, options) => documents.send(get, options));
  }

  /** Lets go of the connections. Not for while calls are under way. */
  close(): void {
    this.table.close();
  }

  private shelves(documents: DynamoDBDocumentClient, options: Options): Shelves<Listed> {
    const query = async (
      status: RoomStatus,
      at?: { readonly relation: '=' | '<'; readonly ms: number },
      count = Number.POSITIVE_INFINITY,
    ): Promise<readonly (Listed | Foreign)[]> => {
      const looked: (Listed | Foreign)[] = [];
      let found = 0;
      let behind: QueryCommandInput['ExclusiveStartKey'];
      do {
        const command = new QueryCommand({
          TableName: this.table.name,
          IndexName: INDEX,
          KeyConditionExpression: `#status = :status${at === undefined ? '' : ` AND created_at ${at.relation} :at`}`,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':status': status, ...(at && { ':at': at.ms }) },
          ScanIndexForward: false,
          Limit: Math.min(
            ITEMS_PER_QUERY,
            Math.max(count - found, behind === undefined ? 1 : LEAST_PER_QUERY),
          ),
          ...(behind && { ExclusiveStartKey: behind }),
        });
        const { Items: items = [], LastEvaluatedKey: last } = await this.ask(() =>
          documents.send(command, options),
        );
        looked.push(...items.map(asLooked));
        found = looked.filter(isOurs).length;
        behind = last;
      } while (behind !== undefined && found < count && looked.length < count + MORE_LOOKS);
      // All that there are: what was passed over does not count.
      return behind === undefined ? looked.filter(isOurs) : looked;
    };
    return {
      at: async (status, ms) => (await query(status, { relation: '=', ms })).filter(isOurs),
      before: (status, ms, count) =>
        query(status, ms === undefined ? undefined : { relation: '<', ms }, count),
    };
  }

  private async ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (cause) {
      if (!isMissingIndex(cause)) throw cause;
      const what = `a global secondary index ${INDEX}: hash status (S), range created_at (N), projection ALL`;
      throw new Error(`The table ${this.table.name} lacks ${what}. Create it to list rooms.`, { cause });
    }
  }
}

async function holds(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Other servers may put items of their own into the index, of whatever form: none of them is an error. */
function asLooked(item: Record<string, unknown>): Listed | Foreign {
  const record = readRecord(item);
  if (record?.isOpen !== true || record.listing === undefined) {
    return { createdAtMs: wholeAbove(Number(item['created_at'])), isForeign: true };
  }
  const { roomId, expiresAtS, listing } = record;
  return { roomId, expiresAtS, createdAtMs: listing.createdAtMs, record };
}

/** The next whole number of those that a page can go on from. */
function wholeAbove(value: number): number {
  const most = Number.MAX_SAFE_INTEGER;
  return Math.max(1 - most, Math.min(most, Math.ceil(value)));
}

/** DynamoDB has neither a class nor a code for it. */
function isMissingIndex(error: unknown): boolean {
  return error instanceof Error && error.name === 'ValidationException' && /\bindex\b/i.test(error.message);
}
