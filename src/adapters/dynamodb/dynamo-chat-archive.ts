import { setTimeout as pause } from 'node:timers/promises';
import { ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import {
  BatchWriteCommand,
  QueryCommand,
  type BatchWriteCommandInput,
  type DynamoDBDocumentClient,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/lib-dynamodb';
import type { ChatMessage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { ChatArchive } from '../../ports/chat-archive.js';
import { wellFormed } from '../well-formed.js';
import { chatItem, chatKey, readChatItem } from './chat-item.js';
import { DynamoTable, type DynamoTableSettings } from './dynamo-table.js';

/** DynamoDB's bound of a batch. */
const BATCH = 25;
const BATCHES_AT_ONCE = 8;
/** What a batch did not take is sent again after this long, and twice as long each time. */
const AGAIN_MS = 50;
const MOST_AGAIN_MS = 400;

type Requests = NonNullable<BatchWriteCommandInput['RequestItems']>[string];
type Options = { readonly abortSignal: AbortSignal };

export interface DynamoChatArchiveSettings extends DynamoTableSettings {
  /** How long a message is kept after it was said, in seconds. */
  readonly chatTtlS: number;
}

/**
 * Chat in a table with the hash key `room_id` (S) and the range key `seq` (N), and TTL on `expires_at` (`chat-item.ts`).
 * Needs `dynamodb:BatchWriteItem` and `Query` on that table and nothing else. An item is put under its place, so that
 * storing it again changes nothing.
 */
export class DynamoChatArchive implements ChatArchive {
  private readonly table: DynamoTable;
  private readonly chatTtlS: number;

  constructor(settings: DynamoChatArchiveSettings) {
    this.table = new DynamoTable(settings);
    this.chatTtlS = settings.chatTtlS;
  }

  store(messages: readonly ChatMessage[]): Promise<void> {
    const items = new Map(messages.map((message) => [message.seq, chatItem(message, this.chatTtlS)]));
    const puts = [...items.values()].map((item) => ({ PutRequest: { Item: item } }));
    return this.table.call((documents, options) => this.write(puts, documents, options));
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    return this.table.call(async (documents, options) => {
      const found: ChatMessage[] = [];
      let behind: QueryCommandInput['ExclusiveStartKey'];
      // A page of DynamoDB's is cut at 1 MiB too.
      while (found.length < limit) {
        const query = new QueryCommand({
          TableName: this.table.name,
          ...ofRoom(roomId, Number.isSafeInteger(seq) ? seq : undefined),
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: limit - found.length,
          ...(behind && { ExclusiveStartKey: behind }),
        });
        const { Items: items = [], LastEvaluatedKey: last } = await documents.send(query, options);
        // What others put there, of whatever form, hides no message.
        const messages = items.map((item) => readChatItem(roomId, item));
        found.push(...messages.filter((message) => message !== undefined));
        behind = last;
        if (behind === undefined) break;
      }
      return found.reverse();
    });
  }

  /** What it has removed when the time is up stays removed: who calls again goes on from there. */
  async forget(roomId: RoomId, upTo: number): Promise<void> {
    await this.table.call(async (documents, options) => {
      for (;;) {
        const query = new QueryCommand({
          TableName: this.table.name,
          ...ofRoom(roomId, upTo + 1),
          ProjectionExpression: 'seq',
          ConsistentRead: true,
          Limit: BATCH * BATCHES_AT_ONCE,
        });
        const { Items: items = [], LastEvaluatedKey: last } = await readIfThere(documents, query, options);
        const dels = items.map(({ seq }) => ({ DeleteRequest: { Key: chatKey(roomId, seq as number) } }));
        await this.write(dels, documents, options);
        if (last === undefined) return;
      }
    });
  }

  /** Lets go of the connections. Not for while calls are under way. */
  close(): void {
    this.table.close();
  }

  private async write(
    requests: Requests,
    documents: DynamoDBDocumentClient,
    options: Options,
  ): Promise<void> {
    const batches: Requests[] = [];
    for (let at = 0; at < requests.length; at += BATCH) batches.push(requests.slice(at, at + BATCH));
    for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE) {
      const some = batches.slice(at, at + BATCHES_AT_ONCE);
      await Promise.all(some.map((batch) => this.writeBatch(batch, documents, options)));
    }
  }

  private async writeBatch(
    batch: Requests,
    documents: DynamoDBDocumentClient,
    options: Options,
  ): Promise<void> {
    let rest = batch;
    for (let waitMs = AGAIN_MS; ; waitMs = Math.min(waitMs * 2, MOST_AGAIN_MS)) {
      const write = new BatchWriteCommand({ RequestItems: { [this.table.name]: rest } });
      const { UnprocessedItems: left = {} } = await documents.send(write, options);
      rest = left[this.table.name] ?? [];
      if (rest.length === 0) return;
      await pause(waitMs, undefined, { signal: options.abortSignal });
    }
  }
}

/** Who came from the Python server has no such table, and rooms are deleted all the same. */
async function readIfThere(
  documents: DynamoDBDocumentClient,
  query: QueryCommand,
  options: Options,
): Promise<Pick<QueryCommandOutput, 'Items' | 'LastEvaluatedKey'>> {
  try {
    return await documents.send(query, options);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return {};
    throw error;
  }
}

function ofRoom(
  roomId: RoomId,
  seq?: number,
): Pick<
  QueryCommandInput,
  'KeyConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> {
  const isBefore = seq !== undefined;
  return {
    KeyConditionExpression: `room_id = :room${isBefore ? ' AND seq < :seq' : ''}`,
    ExpressionAttributeValues: { ':room': wellFormed(roomId), ...(isBefore && { ':seq': seq }) },
  };
}
