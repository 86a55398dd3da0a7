import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DynamoRoomStore } from '../../src/adapters/dynamodb/dynamo-room-store.js';
import { asRoomId } from '../../src/protocol/ids.js';
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

function openStore(settings: { table?: string; callTimeoutMs?: number } = {}): DynamoRoomStore {
  const store = new DynamoRoomStore({ region: aws.region, table: aws.table, ...settings });
  stores.push(store);
  return store;
}

beforeAll(async () => {
  aws = await startAwsEmulators();
  Object.assign(process.env, aws.env);
});
afterEach(() => {
  aws.faults.dynamodb.set({ kind: 'pass' });
});
afterAll(async () => {
  for (const store of stores) store.close();
  await aws.stop();
});

roomStoreContract('DynamoRoomStore', NOW_S, () => Promise.resolve({ store: openStore() }));

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
    const store = openStore({ callTimeoutMs: 200 });
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
});
