/** What can go wrong, and the exit code that tells a calling script. `cli.ts` prints the same table in its help. */
const exitCodes = {
  internal: 1,
  usage: 2,
  server: 3,
  room: 4,
  peer: 5,
  transfer: 6,
  disk: 7,
  interrupted: 130,
} as const;

export type FailureKind = keyof typeof exitCodes;

/** A failure that the user is told in one line: what happened, and what to do about it. */
export class ClientError extends Error {
  readonly kind: FailureKind;
  readonly remedy: string | undefined;

  constructor(kind: FailureKind, message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClientError';
    this.kind = kind;
    this.remedy = remedy;
  }

  get exitCode(): number {
    return exitCodes[this.kind];
  }

  /** The reason and the remedy, on one line whatever the texts held. */
  get line(): string {
    const text = this.remedy === undefined ? this.message : `${this.message} (${this.remedy})`;
    return text.replaceAll(/\s+/g, ' ').trim();
  }
}

/** Whatever was thrown, as a failure that can be told. */
export function asClientError(thrown: unknown): ClientError {
  if (thrown instanceof ClientError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new ClientError('internal', `unexpected failure: ${reason}`, undefined, { cause: thrown });
}

/** The `code` that Node's system errors carry (`ECONNREFUSED`, `ENOSPC`, …), also when it is on the cause. */
export function systemCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { code, cause } = thrown as { readonly code?: unknown; readonly cause?: unknown };
  return typeof code === 'string' ? code : systemCode(cause);
}

/** A failed file operation, with what usually helps. */
export function diskError(action: string, thrown: unknown): ClientError {
  const code = systemCode(thrown);
  const remedies: Readonly<Record<string, string>> = {
    ENOENT: 'check the path',
    EISDIR: 'name a file, not a folder',
    ENOTDIR: 'name a folder, not a file',
    EACCES: 'check the permissions',
    EPERM: 'check the permissions',
    EROFS: 'choose another folder with --out',
    ENOSPC: 'the disk is full: free some space',
  };
  const remedy = code === undefined ? undefined : remedies[code];
  return new ClientError('disk', `cannot ${action}: ${code ?? String(thrown)}`, remedy, { cause: thrown });
}
