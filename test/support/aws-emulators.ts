/**
 * The AWS that tests talk to: DynamoDB's API by dynalite, in this process, and Cognito's by cognito-local, in a child
 * process that ends with this one. In front of each stands a proxy that can be told to be slow, to refuse or to hang.
 */
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  ListUsersCommand,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { readCognitoLocalKey, startCognitoLocal, type CognitoLocal } from './cognito-local.js';
import { FaultProxy } from './fault-proxy.js';
import { TokenForge } from './tokens.js';

const require = createRequire(import.meta.url);

const REGION = 'us-west-1';
const USER_POOL_ID = `${REGION}_TestPool`;
const CLIENT_ID = 'testclient0000000000000000';
const TABLE = 'rooms';
const ISSUER = `https://cognito-idp.${REGION}.amazonaws.com/${USER_POOL_ID}`;
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

type Item = Record<string, AttributeValue>;
type Stop = () => Promise<void>;

export interface AwsEmulators {
  readonly region: string;
  readonly userPoolId: string;
  readonly clientId: string;
  readonly table: string;
  readonly issuer: string;
  readonly jwksUri: string;
  /** For `process.env` of this process, or of a server that is started as a child. */
  readonly env: Readonly<Record<string, string>>;
  /** Signs with the emulated pool's own key. */
  readonly forge: TokenForge;
  readonly faults: { readonly dynamodb: FaultProxy; readonly cognito: FaultProxy; readonly jwks: FaultProxy };
  /** The next four go around the faults. Items are as DynamoDB's API spells them: `{ room_id: { S: '…' } }`. */
  putItem(item: Item): Promise<void>;
  getItem(roomId: string): Promise<Item | undefined>;
  userExists(username: string): Promise<boolean>;
  countUsers(): Promise<number>;
  /** Makes one of Cognito's operations, such as `InitiateAuth`, answer `NotAuthorizedException`; without a name, none. */
  refuseOperation(name?: string): void;
  stop(): Promise<void>;
}

export async function startAwsEmulators(): Promise<AwsEmulators> {
  const stops: Stop[] = [];
  const proxied = async (port: number): Promise<FaultProxy> => {
    const proxy = await FaultProxy.start(port);
    stops.unshift(() => proxy.stop());
    return proxy;
  };
  const [dynamodb, cognito] = await Promise.all([startDynamoDb(stops), startCognito(stops)]);
  const faults = {
    dynamodb: await proxied(dynamodb.port),
    cognito: await proxied(cognito.port),
    jwks: await proxied(cognito.port),
  };
  const jwksUri = `${faults.jwks.url}/${USER_POOL_ID}/.well-known/jwks.json`;
  const key = readCognitoLocalKey();
  return {
    region: REGION,
    userPoolId: USER_POOL_ID,
    clientId: CLIENT_ID,
    table: TABLE,
    issuer: ISSUER,
    jwksUri,
    env: {
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_DYNAMODB: faults.dynamodb.url,
      AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: faults.cognito.url,
      COGNITO_REGION: REGION,
      COGNITO_USER_POOL_ID: USER_POOL_ID,
      COGNITO_APP_CLIENT_ID: CLIENT_ID,
      COGNITO_JWKS_URI: jwksUri,
      ROOMS_TABLE: TABLE,
    },
    forge: new TokenForge({
      issuer: ISSUER,
      audience: CLIENT_ID,
      privateKey: createPrivateKey(key.pem),
      kid: key.kid,
    }),
    faults,
    putItem: async (item) => {
      await dynamodb.client.send(new PutItemCommand({ TableName: TABLE, Item: item }));
    },
    getItem: async (roomId) => {
      const get = new GetItemCommand({
        TableName: TABLE,
        Key: { room_id: { S: roomId } },
        ConsistentRead: true,
      });
      return (await dynamodb.client.send(get)).Item;
    },
    userExists: async (username) => {
      try {
        await cognito.client.send(new AdminGetUserCommand({ UserPoolId: USER_POOL_ID, Username: username }));
        return true;
      } catch (error) {
        if (error instanceof UserNotFoundException) return false;
        throw error;
      }
    },
    countUsers: async () =>
      (await cognito.client.send(new ListUsersCommand({ UserPoolId: USER_POOL_ID }))).Users?.length ?? 0,
    refuseOperation: cognito.refuseOperation,
    stop: async () => {
      for (const stop of stops.splice(0)) await stop();
    },
  };
}

async function startDynamoDb(stops: Stop[]): Promise<{ port: number; client: DynamoDBClient }> {
  const dynalite = require('dynalite') as (options: { createTableMs: number }) => Server;
  const server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new DynamoDBClient({
    region: REGION,
    credentials: CREDENTIALS,
    endpoint: `http://127.0.0.1:${String(port)}`,
  });
  stops.push(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      AttributeDefinitions: [{ AttributeName: 'room_id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'room_id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const describe = new DescribeTableCommand({ TableName: TABLE });
  while ((await client.send(describe)).Table?.TableStatus !== 'ACTIVE');
  return { port, client };
}

async function startCognito(
  stops: Stop[],
): Promise<CognitoLocal & { readonly client: CognitoIdentityProviderClient }> {
  const emulator = await startCognitoLocal({
    userPoolId: USER_POOL_ID,
    clientId: CLIENT_ID,
    issuer: ISSUER,
  });
  const client = new CognitoIdentityProviderClient({
    region: REGION,
    credentials: CREDENTIALS,
    endpoint: `http://127.0.0.1:${String(emulator.port)}`,
  });
  stops.push(async () => {
    client.destroy();
    await emulator.stop();
  });
  return { ...emulator, client };
}
