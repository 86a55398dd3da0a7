import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DynamoUserStore } from '../../src/adapters/dynamodb/dynamo-user-store.js';
import { userStoreContract } from '../contracts/user-store-contract.js';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';

const TABLE = 'users';
let aws: AwsEmulators;
let client: DynamoDBClient;
const stores: DynamoUserStore[] = [];

function openStore(settings: { table?: string; callTimeoutMs?: number } = {}): DynamoUserStore {
  const store = new DynamoUserStore({ region: aws.region, table: TABLE, ...settings });
  stores.push(store);
  return store;
}

beforeAll(async () => {
  aws = await startAwsEmulators();
  Object.assign(process.env, aws.env);
  client = new DynamoDBClient({ region: aws.region });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      AttributeDefinitions: [{ AttributeName: 'uid', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'uid', KeyType: 'HASH' }],
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
  client.destroy();
  for (const store of stores) store.close();
  await aws.stop();
});

userStoreContract('DynamoUserStore', () => Promise.resolve({ store: openStore() }));

describe('DynamoUserStore', () => {
  const unavailable = { code: 'STORE_UNAVAILABLE', cause: expect.any(Error) as unknown };

  test('writes what S2 has, in its types', async () => {
    await openStore().remember({ uid: 'a', handle: 'h', createdAtMs: 7 });
    const get = new GetItemCommand({ TableName: TABLE, Key: { uid: { S: 'a' } } });
    expect((await client.send(get)).Item).toEqual({
      uid: { S: 'a' },
      handle: { S: 'h' },
      created: { N: '7' },
    });
  });

  test('refuses to read an item that lacks an attribute', async () => {
    await client.send(new PutItemCommand({ TableName: TABLE, Item: { uid: { S: 'half' } } }));
    await expect(openStore().find('half')).rejects.toMatchObject(unavailable);
  });

  test('[B2] [D14] is unavailable without its table, and when DynamoDB does not answer', async () => {
    const user = { uid: 'a', handle: 'h', createdAtMs: 7 };
    await expect(openStore({ table: 'nowhere' }).remember(user)).rejects.toMatchObject(unavailable);
    const store = openStore({ callTimeoutMs: 200 });
    await store.find('a');
    aws.faults.dynamodb.set({ kind: 'hang' });
    await expect(store.remember(user)).rejects.toMatchObject(unavailable);
    await expect(store.find('a')).rejects.toMatchObject(unavailable);
  });
});
