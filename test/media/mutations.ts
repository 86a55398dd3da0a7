/** Ways to spoil a value: for tests that send what no client would. */
import fc from 'fast-check';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What breaks programs that believe what they read. */
export const evil = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    '',
    [],
    {},
    [[]],
    0,
    -1,
    1,
    0.5,
    127,
    128,
    255,
    256,
    65_536,
    2_147_483_647,
    -2_147_483_648,
    4_294_967_295,
    4_294_967_296,
    1e308,
    Number.MAX_SAFE_INTEGER,
    '0',
    '-1',
    'a'.repeat(2_000),
    '\ud800',
    'é',
    '\u0000',
    '%s%n',
    '__proto__',
    'video/rtx',
    'audio/opus',
    'video/ulpfec',
    'video/VP9',
    'video/H265',
    'S9T9',
    'L3T3_KEY',
  ),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
  fc.integer({ min: 0, max: 300 }),
);

export interface Edit {
  readonly at: number;
  readonly how: 'replace' | 'remove' | 'double' | 'copy';
  readonly from: number;
  readonly value: Json;
}
export const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'remove', 'double', 'copy'),
  from: fc.nat(),
  value: evil,
});

type Place = { readonly holder: Json[] | Record<string, Json>; readonly name: string | number };

function placesOf(value: Json, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const name of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    const holder = value as Record<string | number, Json>;
    found.push({ holder, name });
    placesOf(holder[name] ?? null, found);
  }
  return found;
}

/** A copy of the value, changed in these ways. */
export function edited(value: Json, edits: readonly Edit[]): Json {
  const copy = structuredClone(value);
  for (const { at, how, from, value: other } of edits) {
    const places = placesOf(copy);
    const place = places[at % places.length];
    const source = places[from % places.length];
    if (place === undefined || source === undefined) continue;
    const holder = place.holder as Record<string | number, Json>;
    if (how === 'replace') holder[place.name] = structuredClone(other);
    else if (how === 'copy') {
      const copied = (source.holder as Record<string | number, Json>)[source.name] ?? null;
      holder[place.name] = structuredClone(copied);
    } else if (how === 'remove' && !Array.isArray(place.holder)) {
      Reflect.deleteProperty(place.holder, place.name);
    } else if (Array.isArray(place.holder)) {
      place.holder.push(structuredClone(holder[place.name] ?? null));
    }
  }
  return copy;
}
