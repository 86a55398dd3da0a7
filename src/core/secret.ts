import { timingSafeEqual } from 'node:crypto';

/** Compares in a time that does not tell how much of it was right. */
export function sameSecret(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
