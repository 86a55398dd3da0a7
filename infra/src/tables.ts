import { nameOf } from './names.js';
import type { Settings } from './settings.js';
import { Construct, DynamodbTable, type DynamodbTableConfig } from './terraform.js';

export type TableKind = 'rooms' | 'users' | 'chat';

interface Table {
  readonly name: string;
  readonly arn: string;
}

type Shape = Pick<DynamodbTableConfig, 'hashKey' | 'rangeKey' | 'attribute' | 'globalSecondaryIndex'>;

/** As `src/adapters/dynamodb` reads and writes them. */
const shapes: Readonly<Record<TableKind, Shape & { readonly expires: boolean }>> = {
  rooms: {
    hashKey: 'room_id',
    attribute: [
      { name: 'room_id', type: 'S' },
      { name: 'status', type: 'S' },
      { name: 'created_at', type: 'N' },
    ],
    globalSecondaryIndex: [
      { name: 'by_status', hashKey: 'status', rangeKey: 'created_at', projectionType: 'ALL' },
    ],
    expires: true,
  },
  // Users do not expire.
  users: { hashKey: 'uid', attribute: [{ name: 'uid', type: 'S' }], expires: false },
  chat: {
    hashKey: 'room_id',
    rangeKey: 'seq',
    attribute: [
      { name: 'room_id', type: 'S' },
      { name: 'seq', type: 'N' },
    ],
    expires: true,
  },
};

interface TablesProps {
  readonly settings: Settings;
  /** `arn:aws:dynamodb:REGION:ACCOUNT:table/`, for tables that are not made here. */
  readonly arnPrefix: string;
}

/** The three tables of the server, each made, or one that is there. */
export class Tables extends Construct implements Readonly<Record<TableKind, Table>> {
  readonly rooms: Table;
  readonly users: Table;
  readonly chat: Table;

  constructor(scope: Construct, id: string, { settings, arnPrefix }: TablesProps) {
    super(scope, id);
    const table = (kind: TableKind): Table => {
      const existing = settings.tables[kind];
      if (existing !== undefined) return { name: existing, arn: `${arnPrefix}${existing}` };
      const { expires, ...shape } = shapes[kind];
      return new DynamodbTable(this, kind, {
        ...shape,
        name: nameOf(settings, kind),
        billingMode: 'PAY_PER_REQUEST',
        deletionProtectionEnabled: settings.protect,
        pointInTimeRecovery: { enabled: true },
        // With the key of DynamoDB for this account, whose use is logged.
        serverSideEncryption: { enabled: true },
        ...(expires && { ttl: { attributeName: 'expires_at', enabled: true } }),
        ...(settings.protect && { lifecycle: { preventDestroy: true } }),
      });
    };
    this.rooms = table('rooms');
    this.users = table('users');
    this.chat = table('chat');
  }
}
