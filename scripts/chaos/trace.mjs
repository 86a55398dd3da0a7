/** A file for each client with every frame that it sent and had, without what was in it. */
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';

import { at } from './evidence.mjs';
import { Link } from './link.mjs';

const shown = [
  'type',
  'id',
  'reply_to',
  'code',
  'sender',
  'peer_id',
  'count',
  'resumed',
  'reason',
  'retry_in_ms',
  'retryable',
];

/** @param {string} folder */
export function traceTo(folder) {
  mkdirSync(folder, { recursive: true });
  const files = new Map();
  Link.onTrace = (name, url, arrow, frame) => {
    let file = files.get(name);
    if (file === undefined) files.set(name, (file = createWriteStream(path.join(folder, `${name}.txt`))));
    const words = shown
      .filter((field) => frame[field] !== undefined)
      .map((field) => `${field}=${frame[field]}`);
    if (frame.resume !== undefined) words.push(`resume.count=${frame.resume.count}`);
    file.write(`${at(performance.now())} ${new URL(url).port} ${arrow} ${words.join(' ')}\n`);
  };
}
