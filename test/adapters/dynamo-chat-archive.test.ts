import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DynamoChatArchive } from '../../src/adapters/dynamodb/dynamo-chat-archive.js';
import type { ChatMessage } from '../../src/protocol/chat.js';
import { asPeerId, asRoomId, type RoomId } from '../../src/protocol/ids.js';
import { chatArchiveContract } from '../contracts/chat-archive-contract.js';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';
import { freshRoom, spoken } from '../support/chat-fixture.js';

const TABLE = 'chat_messages';
const TTL_S = 2_592_000;
const END = Number.MAX_SAFE_INTEGER;

let aws: AwsEmulators;
let client: DynamoDBClient;
const archives: DynamoChatArchive[] = [];

function open(settings: { table?: string; callTimeoutMs?: number } = {}): DynamoChatArchive {
  const archive = new DynamoChatArchive({ region: aws.region, table: TABLE, chatTtlS: TTL_S, ...settings });
  archives.push(archive);
  return archive;
}

async function items(roomId: RoomId): Promise<readonly Record<string, AttributeValue>[]> {
  const query = new QueryCommand({
    TableName: TABLE,
    KeyConditionExpression: 'room_id = :room',
    ExpressionAttributeValues: { ':room': { S: roomId } },
    ConsistentRead: true,
  });
  return (await client.send(query)).Items ?? [];
}

beforeAll(async () => {
  aws = await startAwsEmulators();
  Object.assign(process.env, aws.env);
  client = new DynamoDBClient({ region: aws.region });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      AttributeDefinitions: [
        { AttributeName: 'room_id', AttributeType: 'S' },
        { AttributeName: 'seq', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'room_id', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const describeTable = new DescribeTableCommand({ TableName: TABLE });
  while ((await client.send(describeTable)).Table?.TableStatus !== 'ACTIVE');
});
afterEach(() => {
  aws.faults.dynamodb.set({ kind: 'pass' });
});
afterAll(async () => {
  for (const archive of archives) archive.close();
  client.destroy();
  await aws.stop();
});

chatArchiveContract('DynamoChatArchive', () => Promise.resolve({ archive: open() }));

describe('DynamoChatArchive', () => {
  test('[Q11] in a table that is not there is nothing to remove', async () => {
    await expect(open({ table: 'not_made_yet' }).forget(freshRoom(), END - 1)).resolves.toBeUndefined();
  });

  const expectUnavailable = async (call: Promise<unknown>): Promise<void> => {
    await expect(call).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      cause: expect.any(Error),
    });
  };

  test('[Q6] an item says what was said, by whom and when, and when it may go', async () => {
    const message: ChatMessage = {
      roomId: asRoomId('0a1b2c3d'),
      id: 'c1',
      from: asPeerId('anna'),
      sub: 'subject',
      content: 'Good morning',
      seq: 1_700_000_000_123_456,
    };
    await open().store([message]);
    await expect(items(message.roomId)).resolves.toEqual([
      {
        room_id: { S: '0a1b2c3d' },
        seq: { N: '1700000000123456' },
        id: { S: 'c1' },
        sender: { S: 'anna' },
        user: { S: 'subject' },
        content: { S: 'Good morning' },
        timestamp: { N: '1700000000123' },
        expires_at: { N: String(1_700_000_000 + TTL_S) },
      },
    ]);
  });

  test('an item that others put there, of another form, hides no message', async () => {
    const said = spoken(freshRoom(), 3);
    const [{ roomId, seq }] = said as [ChatMessage];
    await open().store(said);
    const beyond = '12345678901234567890123';
    const strange: Record<string, AttributeValue>[] = [
      { seq: { N: String(seq + 1) }, content: { S: 'no more than that' } },
      { seq: { N: beyond } },
      { seq: { N: '1.5' }, exact: { S: '["a"' } },
      { seq: { N: '2' }, exact: { S: '{}' } },
    ];
    for (const item of strange) {
      await client.send(new PutItemCommand({ TableName: TABLE, Item: { room_id: { S: roomId }, ...item } }));
    }
    await expect(open().before(roomId, END, 100)).resolves.toEqual(said);
    await expect(open().before(roomId, END, 3)).resolves.toEqual(said);
    await open().forget(roomId, END - 1);
    // It is above all places, and not ours.
    await expect(items(roomId)).resolves.toEqual([expect.objectContaining({ seq: { N: beyond } })]);
  });

  test('[Q6] what DynamoDB left unprocessed is written again until it has been', async () => {
    const grudging = await GrudgingDynamoDb.start(aws.faults.dynamodb.url);
    const direct = process.env['AWS_ENDPOINT_URL_DYNAMODB'];
    process.env['AWS_ENDPOINT_URL_DYNAMODB'] = grudging.url;
    try {
      const archive = open();
      const said = spoken(freshRoom(), 30);
      const [{ roomId }] = said as [ChatMessage];
      await archive.store(said);
      expect(grudging.refusals).toBeGreaterThan(0);
      await expect(archive.before(roomId, END, 100)).resolves.toEqual(said);
      await archive.forget(roomId, END - 1);
      await expect(items(roomId)).resolves.toEqual([]);
    } finally {
      process.env['AWS_ENDPOINT_URL_DYNAMODB'] = direct;
      await grudging.stop();
    }
  });

  test('[Q7] is unavailable without its table, and while DynamoDB refuses, is silent or too slow', async () => {
    const said = spoken(freshRoom(), 2);
    const [{ roomId }] = said as [ChatMessage];
    const storeAndRead = async (archive: DynamoChatArchive): Promise<void> => {
      await expectUnavailable(archive.store(said));
      await expectUnavailable(archive.before(roomId, END, 10));
    };
    await storeAndRead(open({ table: 'nowhere' }));
    const archive = open({ callTimeoutMs: 300 });
    for (const fault of [{ kind: 'refuse' }, { kind: 'hang' }, { kind: 'delay', ms: 5000 }] as const) {
      aws.faults.dynamodb.set(fault);
      await storeAndRead(archive);
      await expectUnavailable(archive.forget(roomId, END - 1));
    }
    aws.faults.dynamodb.set({ kind: 'pass' });
    await open().store(said);
    await expect(open().before(roomId, END, 10)).resolves.toEqual(said);
  });
});

/** Takes a third of a batch the first time it sees it, as DynamoDB does when it is busy. */
class GrudgingDynamoDb {
  refusals = 0;
  readonly #server: Server;

  private constructor(target: string) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void (async () => {
          const text = Buffer.concat(chunks).toString();
          const isBatch = String(request.headers['x-amz-target']).endsWith('BatchWriteItem');
          const body = JSON.parse(text) as { RequestItems?: Record<string, unknown[]> };
          const batch = body.RequestItems?.[TABLE] ?? [];
          const left = isBatch && batch.length > 5 ? batch.splice(Math.ceil(batch.length / 3)) : [];
          if (left.length > 0) this.refusals += 1;
          const passed = ['content-type', 'x-amz-target', 'x-amz-date', 'authorization'];
          const answer = await fetch(target, {
            method: 'POST',
            headers: passed.map((name): [string, string] => [name, String(request.headers[name])]),
            body: isBatch ? JSON.stringify(body) : text,
          });
          const said = (await answer.json()) as Record<string, unknown>;
          if (left.length > 0) said['UnprocessedItems'] = { [TABLE]: left };
          response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' });
          response.end(JSON.stringify(said));
        })();
      });
    });
  }

  static async start(target: string): Promise<GrudgingDynamoDb> {
    const proxy = new GrudgingDynamoDb(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
