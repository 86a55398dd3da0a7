import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DynamoRoomStore } from '../../src/adapters/dynamodb/dynamo-room-store.js';
import { asRoomId } from '../../src/protocol/ids.js';
import type { RoomRecord } from '../../src/protocol/records.js';
import { SignalingError } from '../../src/protocol/errors.js';
import { roomStoreContract } from '../contracts/room-store-contract.js';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';

const NOW_S = 1_700_000_000;
const RECORD = {
  roomId: asRoomId('0a1b2c3d'),
  createdBy: 'subject',
  token: 'a1b2c3',
  expiresAtS: NOW_S + 7200,
};

let aws: AwsEmulators;
const stores: DynamoRoomStore[] = [];
/** A table with the index; `aws.table` is the Python server's own. */
const LISTED = 'listed_rooms';

function openStore(settings: { table?: string; callTimeoutMs?: number } = {}): DynamoRoomStore {
  const store = new DynamoRoomStore({ region: aws.region, table: aws.table, ...settings });
  stores.push(store);
  return store;
}

beforeAll(async () => {
  aws = await startAwsEmulators();
  Object.assign(process.env, aws.env);
  const client = new DynamoDBClient({ region: aws.region });
  await client.send(
    new CreateTableCommand({
      TableName: LISTED,
      AttributeDefinitions: [
        { AttributeName: 'room_id', AttributeType: 'S' },
        { AttributeName: 'status', AttributeType: 'S' },
        { AttributeName: 'created_at', AttributeType: 'N' },
      ],
      KeySchema: [{ AttributeName: 'room_id', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by_status',
          KeySchema: [
            { AttributeName: 'status', KeyType: 'HASH' },
            { AttributeName: 'created_at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const describeTable = new DescribeTableCommand({ TableName: LISTED });
  while ((await client.send(describeTable)).Table?.TableStatus !== 'ACTIVE');
  client.destroy();
});
afterEach(() => {
  aws.faults.dynamodb.set({ kind: 'pass' });
});
afterAll(async () => {
  for (const store of stores) store.close();
  await aws.stop();
});

roomStoreContract('DynamoRoomStore', NOW_S, () => Promise.resolve({ store: openStore({ table: LISTED }) }));

describe('DynamoRoomStore', () => {
  const unavailable = { code: 'STORE_UNAVAILABLE', message: new SignalingError('STORE_UNAVAILABLE').message };

  const expectUnavailable = async (call: Promise<unknown>): Promise<void> => {
    const error = await call.catch((reason: unknown) => reason);
    expect(error).toMatchObject(unavailable);
    expect((error as SignalingError).cause).toBeInstanceOf(Error);
  };

  test("writes the Python server's four attributes in their types and no other", async () => {
    await openStore().create(RECORD, NOW_S);
    await expect(aws.getItem(RECORD.roomId)).resolves.toEqual({
      room_id: { S: '0a1b2c3d' },
      created_by: { S: 'subject' },
      token: { S: 'a1b2c3' },
      expires_at: { N: String(NOW_S + 7200) },
    });
  });

  test('reads a room that another server wrote, with attributes that it does not know', async () => {
    await aws.putItem({
      room_id: { S: 'theirs' },
      created_by: { S: 'subject' },
      token: { S: 'ffffff' },
      expires_at: { N: '1700000001' },
      name: { S: 'of a later version' },
    });
    await expect(openStore().find(asRoomId('theirs'))).resolves.toEqual({
      roomId: 'theirs',
      createdBy: 'subject',
      token: 'ffffff',
      expiresAtS: 1_700_000_001,
    });
  });

  const whole = { created_by: { S: 's' }, token: { S: 't' }, expires_at: { N: '1700000001' } };
  test.each([
    ['no expires_at', { created_by: whole.created_by, token: whole.token }],
    ['no token', { created_by: whole.created_by, expires_at: whole.expires_at }],
    ['no created_by', { token: whole.token, expires_at: whole.expires_at }],
    ['expires_at as text', { ...whole, expires_at: { S: '1700000001' } }],
    ['expires_at that is no integer', { ...whole, expires_at: { N: '1700000001.5' } }],
    ['a number for a token', { ...whole, token: { N: '123456' } }],
  ])('refuses to read an item with %s', async (name, attributes) => {
    await aws.putItem({ room_id: { S: name }, ...attributes });
    await expectUnavailable(openStore().find(asRoomId(name)));
  });

  test('is unavailable when the table is missing', async () => {
    const store = openStore({ table: 'nowhere' });
    await expectUnavailable(store.check());
    await expectUnavailable(store.find(RECORD.roomId));
    await expectUnavailable(store.create(RECORD, NOW_S));
    await expectUnavailable(store.remove(RECORD.roomId));
  });

  test('[B2] [D13] is unavailable while DynamoDB refuses connections, and serves again when it is back', async () => {
    const store = openStore();
    await store.check();
    aws.faults.dynamodb.set({ kind: 'refuse' });
    await expectUnavailable(store.check());
    aws.faults.dynamodb.set({ kind: 'pass' });
    await expect(store.check()).resolves.toBeUndefined();
  });

  test('[B2] [D14] gives up on a DynamoDB that does not answer, and serves again when it does', async () => {
    const store = openStore({ callTimeoutMs: 1000 });
    await store.check();
    aws.faults.dynamodb.set({ kind: 'hang' });
    await expectUnavailable(store.find(RECORD.roomId));
    await expectUnavailable(store.create(RECORD, NOW_S));
    aws.faults.dynamodb.set({ kind: 'pass' });
    await expect(store.check()).resolves.toBeUndefined();
  });

  test('[B2] [D14] gives up on a DynamoDB that is slower than its bound', async () => {
    aws.faults.dynamodb.set({ kind: 'delay', ms: 5000 });
    await expectUnavailable(openStore({ callTimeoutMs: 200 }).find(RECORD.roomId));
  });

  test('waits for a DynamoDB that is slow but within its bound', async () => {
    aws.faults.dynamodb.set({ kind: 'delay', ms: 100 });
    await expect(openStore().find(asRoomId('nobody'))).resolves.toBeUndefined();
  });

  test('tries a second time on a new connection when the first attempt hangs', async () => {
    const store = new DynamoRoomStore({ region: aws.region, table: aws.table, attemptTimeoutMs: 200 });
    stores.push(store);
    await store.check();
    aws.faults.dynamodb.set({ kind: 'hang-old' });
    await expect(store.check()).resolves.toBeUndefined();
  });

  test('lets go of its connections when it is closed', async () => {
    await openStore().check();
    for (const store of stores) {
      store.close();
      store.close();
    }
    await aws.faults.dynamodb.idle();
  });

  const listed = (name: string, ageMs = 0, fields: Partial<RoomRecord> = {}): RoomRecord => ({
    ...RECORD,
    roomId: asRoomId(name),
    isOpen: true,
    listing: { status: 'waiting', createdAtMs: NOW_S * 1000 - ageMs, hostName: 'host' },
    ...fields,
  });
  const page = { limit: 20, offset: 0, nowS: NOW_S };

  type Item = Record<string, AttributeValue>;
  const withClient = async <Answer>(use: (client: DynamoDBClient) => Promise<Answer>): Promise<Answer> => {
    const client = new DynamoDBClient({ region: aws.region });
    try {
      return await use(client);
    } finally {
      client.destroy();
    }
  };
  const itemOf = (name: string): Promise<Item | undefined> =>
    withClient(async (client) => {
      const get = new GetItemCommand({ TableName: LISTED, Key: { room_id: { S: name } } });
      return (await client.send(get)).Item;
    });
  /** Puts foreign items into the listed table while `use` runs. */
  const beside = (items: readonly Item[], use: () => Promise<void>): Promise<void> =>
    withClient(async (client) => {
      const write = async (requests: readonly object[]): Promise<void> => {
        for (let at = 0; at < requests.length; at += 25) {
          const some = requests.slice(at, at + 25);
          await client.send(new BatchWriteItemCommand({ RequestItems: { [LISTED]: [...some] } }));
        }
      };
      await write(items.map((item) => ({ PutRequest: { Item: item } })));
      await use();
      await write(items.map(({ room_id }) => ({ DeleteRequest: { Key: { room_id } } })));
    });

  test('[Y2] writes the attributes of a listed room in their types', async () => {
    await openStore({ table: LISTED }).create(listed('shown'), NOW_S);
    await expect(itemOf('shown')).resolves.toEqual({
      room_id: { S: 'shown' },
      created_by: { S: 'subject' },
      token: { S: 'a1b2c3' },
      expires_at: { N: String(NOW_S + 7200) },
      is_open: { BOOL: true },
      status: { S: 'waiting' },
      created_at: { N: String(NOW_S * 1000) },
      host_name: { S: 'host' },
    });
    await openStore({ table: LISTED }).remove(asRoomId('shown'));
  });

  test('[Y2] [Y3] a room that is not open has no attribute of the key of the index, whatever its status', async () => {
    const store = openStore({ table: LISTED });
    await store.create(listed('hidden', 0, { isOpen: false }), NOW_S);
    await expect(store.setStatus(asRoomId('hidden'), 'playing')).resolves.toBe(true);
    const item = await itemOf('hidden');
    expect(item).toMatchObject({
      is_open: { BOOL: false },
      private_status: { S: 'playing' },
      host_name: { S: 'host' },
    });
    expect(item).not.toHaveProperty('status');
    await store.remove(asRoomId('hidden'));
  });

  const whole2 = {
    ...whole,
    is_open: { BOOL: true },
    status: { S: 'waiting' },
    created_at: { N: String(NOW_S * 1000) },
    host_name: { S: 'theirs' },
  };
  const without = (name: string): Item =>
    Object.fromEntries(Object.entries(whole2).filter(([key]) => key !== name));
  test.each<[string, Item]>([
    ['no host_name', without('host_name')],
    ['no is_open', without('is_open')],
    ['no token', without('token')],
    ['no expires_at', without('expires_at')],
    ['a host_name that is a number', { ...whole2, host_name: { N: '1' } }],
    ['is_open false and a status', { ...whole2, is_open: { BOOL: false } }],
    ['a created_at in nanoseconds', { ...whole2, created_at: { N: '1700000000123456789' } }],
    ['a created_at that is no whole number', { ...whole2, created_at: { N: '1700000000.25' } }],
    ['a created_at below any', { ...whole2, created_at: { N: '-1e30' } }],
    ['nothing but the keys', { status: { S: 'waiting' }, created_at: { N: '1' } }],
  ])('[Y2] passes over a foreign item of the index with %s', async (_what, item) => {
    const store = openStore({ table: LISTED });
    await store.create(listed('ours'), NOW_S);
    await beside([{ ...item, room_id: { S: 'theirs' } }], async () => {
      for (const query of [page, { ...page, status: 'waiting' as const }, { ...page, limit: 1 }]) {
        expect((await store.list(query)).rooms).toEqual([listed('ours')]);
      }
    });
    await store.remove(asRoomId('ours'));
  });

  test('[Y2] foreign items before ours cost a look each, and no page is endless', async () => {
    const store = openStore({ table: LISTED });
    await store.create(listed('ours', 10_000), NOW_S);
    const foreign = (count: number, at: (index: number) => string): readonly Item[] =>
      Array.from({ length: count }, (_, index) => ({
        room_id: { S: `theirs-${index}` },
        status: { S: 'waiting' },
        created_at: { N: at(index) },
      }));
    await beside(
      foreign(150, (index) => String(NOW_S * 1000 + index)),
      async () => {
        await expect(store.list({ ...page, limit: 1 })).resolves.toEqual({ rooms: [listed('ours', 10_000)] });
      },
    );
    await beside(
      foreign(1250, () => '9e30'),
      async () => {
        const first = await store.list({ ...page, limit: 1 });
        expect(first.rooms).toEqual([]);
        const second = await store.list({ ...page, limit: 1, after: first.next ?? '' });
        expect(second.rooms).toEqual([listed('ours', 10_000)]);
      },
    );
    await store.remove(asRoomId('ours'));
  });

  test("serves the Python server's own table, and says which index listing needs", async () => {
    const store = openStore();
    const room = listed('unlisted');
    await expect(store.create(room, NOW_S)).resolves.toBe('created');
    await expect(store.find(room.roomId)).resolves.toEqual(room);
    await expect(store.setStatus(room.roomId, 'playing')).resolves.toBe(true);
    const failure = await store.list(page).catch((error: unknown) => error);
    expect(failure).toMatchObject(unavailable);
    expect((failure as SignalingError).cause).toMatchObject({
      message:
        'The table rooms lacks a global secondary index by_status: hash status (S), range created_at (N), ' +
        'projection ALL. Create it to list rooms.',
    });
  });

  test('[Y7] a status that another server writes is no listing', async () => {
    await aws.putItem({
      room_id: { S: 'foreign' },
      created_by: { S: 'subject' },
      token: { S: 'ffffff' },
      expires_at: { N: '1700000001' },
      status: { S: 'active' },
      is_open: { S: 'yes' },
    });
    await expect(openStore().find(asRoomId('foreign'))).resolves.toEqual({
      roomId: 'foreign',
      createdBy: 'subject',
      token: 'ffffff',
      expiresAtS: 1_700_000_001,
    });
  });

  test('[Y2] [Y7] finds what has expired behind more live rooms than one page looks at, page by page', async () => {
    const store = openStore({ table: LISTED });
    for (let at = 0; at < 1100; at += 50) {
      const ages = Array.from({ length: 50 }, (_, more) => at + more);
      await Promise.all(ages.map((age) => store.create(listed(`live-${age}`, age), NOW_S)));
    }
    const over = listed('over', 3_600_000, { expiresAtS: NOW_S - 1 });
    await store.create(over, NOW_S - 7200);
    const first = await store.list({ ...page, status: 'finished', limit: 5, offset: 0 });
    expect(first.rooms).toEqual([]);
    const second = await store.list({ ...page, status: 'finished', limit: 5, after: first.next ?? '' });
    expect(second).toMatchObject({ rooms: [{ roomId: 'over' }] });
    expect(second.next).toBeUndefined();
    // What could not be skipped in the first page is skipped in the next.
    const skipping = await store.list({ ...page, status: 'finished', limit: 5, offset: 1 });
    expect(skipping.rooms).toEqual([]);
    await expect(
      store.list({ ...page, status: 'finished', limit: 5, after: skipping.next ?? '' }),
    ).resolves.toEqual({ rooms: [] });
    await expect(store.list({ ...page, limit: 100, offset: 1000 })).resolves.toMatchObject({
      rooms: expect.arrayContaining([expect.objectContaining({ roomId: 'live-1099' })]) as unknown,
      next: expect.any(String) as unknown,
    });
  });

  test('[B2] [D14] gives up on a list that does not come', async () => {
    const store = openStore({ table: LISTED, callTimeoutMs: 200 });
    await store.check();
    aws.faults.dynamodb.set({ kind: 'hang' });
    await expectUnavailable(store.list(page));
    await expectUnavailable(store.setStatus(RECORD.roomId, 'playing'));
  });
});
