/** What a guide names, and what there is to be named. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { TestServer } from '../support/server.js';

/** All words between backticks that look like this. */
export function named(text: string, pattern: RegExp): string[] {
  const prose = text.replaceAll(/^```[^]*?^```$/gm, '');
  return [
    ...new Set([...prose.matchAll(/`([^`]+)`/g)].flatMap(([, word = '']) => pattern.exec(word)?.[0] ?? [])),
  ];
}

/** The blocks of commands of a guide, by name. */
export function blocks(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^```sh (\S+)\n([^]*?)^```$/gm)].map(([, name = '', body = '']) => [name, body]),
  );
}

/** What bash says about a script that it only reads. */
export function complaintsOfBash(script: string): string {
  return spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' }).stderr;
}

function sourcesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
    .join('\n');
}

/** Names of the log's events, of the server and the Media Service. */
export function logEvents(): ReadonlySet<string> {
  const said = sourcesOf('src').matchAll(
    /\b(?:info|warn|error|debug|log|report)\(\s*(?:[\w.]+,\s*)?'([a-z_]+)'/g,
  );
  return new Set([...said].map(([, event = '']) => event));
}

/** Settings of the server and of the Media Service. */
export function settingNames(): ReadonlySet<string> {
  const sources = [readFileSync('src/config-schema.ts', 'utf8'), readFileSync('src/media/config.ts', 'utf8')];
  return new Set(
    sources.flatMap((text) => [...text.matchAll(/^ {2,4}([A-Z][A-Z_]+): /gm)].map(([, name = '']) => name)),
  );
}

/** What `/metrics` of the server and of the Media Service have, suffixes of histograms included. */
export async function metricNames(): Promise<ReadonlySet<string>> {
  const server = await TestServer.start();
  try {
    const text = await (await fetch(`${server.http}/metrics`)).text();
    const kinds = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    const media = readFileSync('src/media/media-metrics.ts', 'utf8');
    const help = /const help[^]*?\n};?/.exec(media)?.[0] ?? '';
    const gauges = readFileSync('src/ports/metrics.ts', 'utf8');
    return new Set([
      ...kinds.flatMap(([, name = '', kind]) =>
        kind === 'histogram'
          ? [name, ...['bucket', 'count', 'sum'].map((part) => `${name}_${part}`)]
          : [name],
      ),
      ...[...media.matchAll(/name: '(media_\w+)'/g)].map(([, name = '']) => name),
      ...[...help.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => `media_${name}`),
      // Those that only a node with Redis or a Media Service has.
      ...[...(/export const gauges = \{[^]*?\n\}/.exec(gauges)?.[0] ?? '').matchAll(/^ {2}(\w+):/gm)].map(
        ([, name = '']) => `signaling_${name}`,
      ),
    ]);
  } finally {
    await server.stop();
  }
}
