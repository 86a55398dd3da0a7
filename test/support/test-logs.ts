/**
 * The logs of the whole test run. While `npm test` runs, every server that a test starts writes its log and its audit
 * trail to a folder too, at level debug, and tests note there what no log may have. test/logs/ reads it when all is over.
 */
import { appendFileSync, mkdtempSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import type { Ports } from '../../src/core/context.js';
import { createMediaLog, type MediaLog } from '../../src/media/media-log.js';
import type { Logger } from '../../src/ports/runtime.js';

/** Set by scripts/test.mjs; without it nothing is written. */
const folder = process.env['TEST_LOGS'];
export const logsAreKept = folder !== undefined && folder !== '';

let file: number | undefined;
const known = new Set<string>();

function fileNamed(kind: string): string {
  return path.join(folder ?? '', `${kind}-${process.pid}.log`);
}

/** A line of some server's log. */
export function keepLine(line: string): void {
  if (!logsAreKept) return;
  file ??= openSync(fileNamed('in-process'), 'a');
  writeSync(file, `${line.trimEnd()}\n`);
}

/** The lines of a process: those that are JSON are the log, the rest is for people or of programs that are not ours. */
export function keepLineOfProcess(line: string): void {
  if (line.startsWith('{')) keepLine(line);
}

/** A folder for the logs of programs that write files of their own; `undefined`: nobody reads them. */
export function logFolder(): string | undefined {
  return logsAreKept ? mkdtempSync(path.join(folder ?? '', 'run-')) : undefined;
}

/** For what is started in this process: silent on the console. */
export function testLogger(node = 'test'): Logger {
  return new PinoLogger(
    logsAreKept ? { level: 'debug', node, stream: { write: keepLine } } : { level: 'silent', node },
  );
}

/** In the place of a server's own log and audit trail. */
export function testObservers(node = 'test'): Pick<Ports, 'logger' | 'audit'> {
  return {
    logger: testLogger(node),
    audit: {
      record: (event, fields) => {
        if (logsAreKept) keepLine(JSON.stringify({ log: 'audit', event, node, ...fields }));
      },
    },
  };
}

/** The same for a Media Service in this process. */
export function testMediaLog(): MediaLog {
  return logsAreKept ? createMediaLog('debug', { write: keepLine }) : createMediaLog('silent');
}

/** Fields by which servers hand out what must be in no log, and by which peers say what must not. */
const secretFields =
  /"(id_token|idToken|token|resume_token|resumeToken|credential|password|content)":\s*("(?:[^"\\]|\\.){1,20000}")/g;

/** Notes the tokens, credentials and chat in what a server has answered. */
export function noteSecretsIn(text: string): void {
  if (!logsAreKept) return;
  for (const [, kind = '', quoted = ''] of text.matchAll(secretFields)) {
    noteSecret(kind, JSON.parse(quoted) as string);
  }
}

/** Notes settings that are secrets: nobody writes them anywhere. */
export function noteSecretSettings(settings: Readonly<Record<string, string | undefined>>): void {
  if (!logsAreKept) return;
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || !/_KEY$|_TOKEN$|_SECRET$/.test(name) || name === 'JWT_PUBLIC_KEY') continue;
    // Of a PEM its lines: a log would hold them apart.
    for (const line of value.split(/\n|\\n/)) if (!line.startsWith('-----')) noteSecret(name, line);
  }
}

export function noteSecret(kind: string, value: string): void {
  if (!logsAreKept || value.length < 6 || known.has(value)) return;
  known.add(value);
  appendFileSync(fileNamed('secrets'), `${JSON.stringify([kind, value])}\n`);
}
