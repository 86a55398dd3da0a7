import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { UserRecord, UserStore } from '../../ports/user-store.js';
import { DynamoTable, type DynamoTableSettings } from './dynamo-table.js';

/**
 * Users in a table whose only key is `uid` (S); `handle` (S), `created` (N, unix milliseconds).
 * Needs `dynamodb:GetItem` and `UpdateItem` on that table and nothing else.
 */
export class DynamoUserStore implements UserStore {
  private readonly table: DynamoTable;

  constructor(settings: DynamoTableSettings) {
    this.table = new DynamoTable(settings);
  }

  remember({ uid, handle, createdAtMs }: UserRecord): Promise<UserRecord> {
    const update = new UpdateCommand({
      TableName: this.table.name,
      Key: { uid },
      UpdateExpression: 'SET #handle = :handle, #created = if_not_exists(#created, :created)',
      ExpressionAttributeNames: { '#handle': 'handle', '#created': 'created' },
      ExpressionAttributeValues: { ':handle': handle, ':created': createdAtMs },
      ReturnValues: 'ALL_NEW',
    });
    return this.table.call(async (documents, options) =>
      asUser((await documents.send(update, options)).Attributes ?? {}),
    );
  }

  find(uid: string): Promise<UserRecord | undefined> {
    const get = new GetCommand({ TableName: this.table.name, Key: { uid }, ConsistentRead: true });
    return this.table.call(async (documents, options) => {
      const { Item: item } = await documents.send(get, options);
      return item === undefined ? undefined : asUser(item);
    });
  }

  /** Lets go of the connections. Not for while calls are under way. */
  close(): void {
    this.table.close();
  }
}

/** Throws unless the item has the three attributes in their types; further attributes are let be. */
function asUser({ uid, handle, created }: Record<string, unknown>): UserRecord {
  if (typeof uid !== 'string' || typeof handle !== 'string' || typeof created !== 'number') {
    throw new Error('an item of the users table lacks an attribute or has one of another type');
  }
  return { uid, handle, createdAtMs: created };
}
