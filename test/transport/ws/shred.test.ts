import { expect, test } from '@jest/globals';
import { shred } from '../../../src/transport/ws/shred.js';

test('[T2] the memory of a chunk that is a buffer of its own is given back at once', () => {
  const chunk = Buffer.from(new ArrayBuffer(65_536));
  shred(chunk);
  expect(chunk.buffer.byteLength).toBe(0);
});

test('[T2] what others may hold a part of is left alone', () => {
  const whole = new ArrayBuffer(65_536);
  shred(Buffer.from(whole, 0, 1_000));
  shred(Buffer.from('out of the pool'));
  expect(whole.byteLength).toBe(65_536);
});
