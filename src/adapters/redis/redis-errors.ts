/** What ioredis's errors mean; it gives them neither classes nor codes. */

/** Redis's own codes for "not now", the first word of a refusal. */
const PASSING = /^(READONLY|LOADING|CLUSTERDOWN|TRYAGAIN|MASTERDOWN)\b/;

/** Redis understood the command and will not carry it out; everything else may be better the next time. */
export function isFinal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !PASSING.test(error.message);
}

/** ioredis gives it neither a class nor a code. */
export function isSilence(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Command timed out';
}

/** ioredis hangs the whole command on its errors: a password, a room's token, a key. */
export function dropArguments(error: unknown): void {
  if (error instanceof Error) Reflect.deleteProperty(error, 'command');
}

/** Of a cluster the reason is what its last node said. */
export function rootOf(error: Error): Error {
  const root = 'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
  dropArguments(root);
  return root;
}

/** A host with several addresses fails with an `AggregateError` without a text. */
export function textOf(error: Error): string {
  if (error.message !== '') return error.message;
  return error instanceof AggregateError ? error.errors.map(String).join('; ') : error.name;
}
