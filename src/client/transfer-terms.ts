/**
 * What this client says about its transfers in an extra field of its offer or answer. The server forwards it
 * untouched, aiortc peers do not look at it; where both ends said it, hashes and receipts are exchanged.
 */
export interface TransferTerms {
  /** How many files this end is going to send. */
  readonly files: number;
  /** This worker serves further clients: whoever leaves deletes only itself, not the room. */
  readonly stays: boolean;
}

const field = 'file_transfer';
const version = 1;

/** The field, to be spread into an offer or answer. */
export function termsField(terms: TransferTerms): Record<string, unknown> {
  return { [field]: { version, files: terms.files, stays: terms.stays } };
}

/** The other end's terms; `undefined` when it is a peer that does not know them. */
export function readTerms(message: Readonly<Record<string, unknown>>): TransferTerms | undefined {
  const value = message[field];
  if (typeof value !== 'object' || value === null) return undefined;
  const { version: said, files, stays } = value as { version?: unknown; files?: unknown; stays?: unknown };
  if (said !== version || typeof files !== 'number' || !Number.isSafeInteger(files) || files < 0)
    return undefined;
  return { files, stays: stays === true };
}
