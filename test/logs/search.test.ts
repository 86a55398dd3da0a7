/** The search itself: whatever is planted is found, and what may be in a log is no hit. */
import { expect, test } from '@jest/globals';
import { Search } from './search.js';

const jwt = `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(40)}`;
const known: readonly (readonly [string, string])[] = [
  ['token', '0badca'],
  ['token', '123456'],
  ['resume_token', 'V1StGXR8_Z5jdHi6B-myT'],
  ['credential', 'c2VjcmV0IG9mIGNvdHVybg=='],
  ['content', 'what anna said to "bert"\nin the evening'],
  ['INTERNAL_SERVICE_KEY', 'a key of sixteen and more'],
  ['content', 'x'.repeat(100)],
  ['token', '__proto__'],
  ['credential', 'hasOwnProperty'],
];
const search = new Search(known);
const kindsIn = (line: string): string[] => search.in(line).map(({ kind }) => kind);

test.each([
  ['a JWT', `{"error":{"message":"bad ${jwt}"}}`],
  ['SDP', String.raw`{"sdp":"v=0\r\no=- 1 1 IN IP4 0.0.0.0"}`],
  ['SDP', '{"x":"a=ice-pwd:abc"}'],
  ['SDP', '{"x":"a=fingerprint:sha-256 00"}'],
  ['an ICE candidate', '{"x":"candidate:1 1 udp 2130706431 10.0.0.1 5000 typ host"}'],
  ['a cookie', '{"x":"a=b; access_token=abcdefgh1"}'],
  ['a Bearer token', '{"x":"Bearer abcdefghijkl"}'],
  ['a private key', '{"x":"-----BEGIN RSA PRIVATE KEY-----"}'],
  ['a password in an address', '{"x":"redis://:secret@10.0.0.1:6379"}'],
  ['token', '{"event":"joined","room":"0badca"}'],
  ['token', '{"reason":"token=123456"}'],
  ['resume_token', '{"x":"V1StGXR8_Z5jdHi6B-myT"}'],
  ['credential', '{"x":"for c2VjcmV0IG9mIGNvdHVybg=="}'],
  ['content', String.raw`{"x":"what anna said to \"bert\"\nin the evening"}`],
  ['INTERNAL_SERVICE_KEY', '{"x":"a key of sixteen and more"}'],
])('[K4] finds %s', (kind, line) => {
  expect(kindsIn(line)).toContain(kind);
});

test.each([
  '{"level":"info","time":"2026-01-01T00:00:00.000Z","node":"node-0badcafe","event":"joined"}',
  '{"pid":123456,"event":"worker_started"}',
  '{"event":"joined","peer":"anna~0badca"}',
  '{"reason":"A token is needed: Authorization: Bearer, or the cookie access_token"}',
  '{"verb":"candidate","redis":"redis at 127.0.0.1:6379"}',
  `{"event":"join_refused","room":"${'x'.repeat(256)}…"}`,
  '{"event":"join_refused","room":"__proto__","peer":"hasOwnProperty"}',
  '{"http":"127.0.0.1:8001","decisions":["Media: http://127.0.0.1:8010."]}',
])('[K4] what is no secret is no hit: %s', (line) => {
  expect(kindsIn(line)).toEqual([]);
});
