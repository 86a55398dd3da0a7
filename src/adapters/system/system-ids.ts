import { randomBytes } from 'node:crypto';
import { nanoid } from 'nanoid';
import type { IdSource } from '../../ports/runtime.js';

export class SystemIds implements IdSource {
  hex(digits: number): string {
    return randomBytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits);
  }

  name(): string {
    return nanoid();
  }
}
