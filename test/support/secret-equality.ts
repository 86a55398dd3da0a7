/** In tests a `Secret` equals another of the same value, and the text that it is. */
import { expect } from '@jest/globals';
import { Secret } from '../../src/protocol/secret.js';

expect.addEqualityTesters([
  (left, right) => {
    if (!(left instanceof Secret) && !(right instanceof Secret)) return undefined;
    return textOf(left) === textOf(right);
  },
]);

function textOf(value: unknown): unknown {
  return value instanceof Secret ? value.reveal() : value;
}
