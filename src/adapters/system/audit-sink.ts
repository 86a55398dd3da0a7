/** Where audit lines go. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { standardOutput } from '../standard-output.js';

export interface AuditSink {
  /** Throws what the operating system says. */
  write(line: string): void;
  /** The file was moved away, as logrotate does: the next line goes into a new one. Throws as `write`. */
  reopen(): void;
  close(): void;
}

export function auditOnStandardOutput(): AuditSink {
  const stream = standardOutput();
  return {
    write: (line) => {
      stream.write(line);
    },
    reopen: () => undefined,
    close: () => undefined,
  };
}

/** A file that grows. Lines are written before the call returns: what a killed server did is in it. Throws when it cannot be opened. */
export function auditFile(path: string): AuditSink {
  // Nobody else needs to know who did what.
  const open = (): number => openSync(path, 'a', 0o640);
  let file: number | undefined = open();
  return {
    write(line) {
      file ??= open();
      writeSync(file, line);
    },
    reopen() {
      const old = file;
      file = undefined;
      if (old !== undefined) closeSync(old);
      file = open();
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
