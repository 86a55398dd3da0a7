/** Secrets that come in files, as Docker, Kubernetes and systemd hand them over: `NAME_FILE` says where `NAME` is. */
import { closeSync, openSync, readSync } from 'node:fs';

export type Variables = Readonly<Record<string, string | undefined>>;

/** A PEM key has 2 KiB; nothing that is larger is one of these secrets. */
const maxSecretBytes = 65_536;

export interface WithSecrets {
  /** The variables with what the files hold; without the empty ones, which are not set. */
  readonly variables: Record<string, string>;
  /** A line for each file that is of no use. None says what is in one. */
  readonly problems: readonly string[];
}

/** `names`: which variables may come so. One line end at the end of a file is not part of the secret. */
export function readSecretFiles(environment: Variables, names: readonly string[]): WithSecrets {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && value !== '') variables[name] = value;
  }
  const problems: string[] = [];
  for (const name of names) {
    const path = variables[`${name}_FILE`];
    if (path === undefined) continue;
    if (variables[name] !== undefined) {
      problems.push(`${name}_FILE is set beside ${name}: set one of them`);
      continue;
    }
    const read = readSecret(path);
    if ('secret' in read) variables[name] = read.secret;
    else problems.push(`${name}_FILE ${read.problem}`);
  }
  return { variables, problems };
}

function readSecret(path: string): { readonly secret: string } | { readonly problem: string } {
  const bytes = Buffer.alloc(maxSecretBytes + 1);
  let length: number;
  try {
    // Not `readFileSync`: a path such as /dev/zero has no end.
    const file = openSync(path, 'r');
    try {
      length = readSync(file, bytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const isNamed = typeof error === 'object' && error !== null && 'code' in error;
    const code = isNamed ? String(error.code) : 'unknown';
    return { problem: `names a file that cannot be read (${code})` };
  }
  if (length > maxSecretBytes) return { problem: `names a file of more than ${maxSecretBytes} bytes` };
  const secret = bytes.toString('utf8', 0, length).replace(/\r?\n$/, '');
  return secret === '' ? { problem: 'names an empty file' } : { secret };
}
