/** The verbs of the Python server's version 2.0 that look at the roster or change an entry of it. */
import { SignalingError } from '../../protocol/errors.js';
import type { Ask, CommandOf, PeerFilter } from '../../protocol/messages.js';
import type { Json, JsonObject, PeerCard } from '../../protocol/records.js';
import type { Context } from '../context.js';
import { isStorable, maxMetadataChars } from '../metadata.js';
import { roster } from '../membership.js';
import { refuse } from '../refusal.js';
import type { Seat, Session } from '../session.js';
import { refuseForged } from './signal.js';

export function discover(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<'discover'>,
  ask: Ask,
): void {
  if (command.from !== seat.peerId) {
    refuseForged(context, session, seat, ask);
    return;
  }
  const peers = roster(seat.room, session).filter((card) => matches(card, command.filter));
  session.tell({ type: 'peers', to: seat.peerId, peers }, ask);
}

export function updateMetadata(
  context: Context,
  session: Session,
  seat: Seat,
  command: CommandOf<'update_metadata'>,
  ask: Ask,
): void {
  if (command.peerId !== seat.peerId) {
    refuseForged(context, session, seat, ask);
    return;
  }
  const metadata = merge(seat.card.metadata, command.metadata);
  if (!isStorable(metadata)) {
    const text = `metadata would exceed ${maxMetadataChars} characters or 32 levels: send less.`;
    refuse(context, session, new SignalingError('INVALID_MESSAGE', text), ask);
    return;
  }
  seat.card = { ...seat.card, metadata };
  context.ledger.changed(seat);
  session.tell({ type: 'metadata_updated', peerId: seat.peerId, metadata }, ask);
}

/** Version 2.0: tags are united, properties merged, anything else replaced. */
function merge(old: JsonObject, update: JsonObject): JsonObject {
  const merged: Record<string, Json> = { ...old, ...update };
  const [oldTags, newTags] = [old['tags'], update['tags']];
  if (isList(oldTags) && isList(newTags)) merged['tags'] = [...new Set([...oldTags, ...newTags])];
  const [oldProperties, newProperties] = [old['properties'], update['properties']];
  if (isRecord(oldProperties) && isRecord(newProperties)) {
    merged['properties'] = { ...oldProperties, ...newProperties };
  }
  return merged;
}

function matches(card: PeerCard, filter: PeerFilter): boolean {
  if (filter.role !== undefined && card.role !== filter.role) return false;
  const tags = card.metadata['tags'];
  const wanted = filter.tags;
  if (wanted !== undefined && wanted.length > 0) {
    if (!isList(tags) || !wanted.some((tag) => tags.includes(tag))) return false;
  }
  if (filter.properties === undefined) return true;
  const properties = card.metadata['properties'];
  if (!isRecord(properties)) return Object.keys(filter.properties).length === 0;
  return Object.entries(filter.properties).every(([key, condition]) =>
    holds(Object.hasOwn(properties, key) ? properties[key] : undefined, condition),
  );
}

function holds(actual: Json | undefined, condition: Json): boolean {
  if (!isRecord(condition)) return actual === condition;
  return Object.entries(condition).every(([operator, bound]) => {
    if (operator === '$eq') return actual === bound;
    if (typeof actual !== 'number' || typeof bound !== 'number') return false;
    if (operator === '$gte') return actual >= bound;
    return operator === '$lte' && actual <= bound;
  });
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
