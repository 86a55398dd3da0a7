import type { IncomingMessage } from 'node:http';
import { parseCookie } from 'cookie';
import { isOriginAllowed } from './ws/origin.js';

export interface Credential {
  readonly token: string;
  readonly from: 'header' | 'cookie' | 'subprotocol' | 'query';
}

export interface CredentialSettings {
  readonly allowedOrigins: readonly string[];
  /** A token in a URL ends up in the logs of proxies. */
  readonly allowQueryToken: boolean;
}

const maxTokenBytes = 16_384;
const queryNames: readonly string[] = ['token', 'access_token', 'id_token'];
const secretNames: readonly string[] = [...queryNames, 'resume_token', 'room_token'];
const protocolPrefixes = ['bearer.', 'access_token.'];
/** Offered before a token that is an entry of its own. */
const protocolMarker = 'bearer';
const jwtShape = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * The token that came with a request, wherever it is: the `Authorization` header, the cookie `access_token`, a
 * WebSocket subprotocol, the query. The first place that has one counts. Never throws; verifying it is another's work.
 */
export function credentialOf(request: IncomingMessage, settings: CredentialSettings): Credential | undefined {
  const { headers, url = '' } = request;
  const token = (text: string | undefined, from: Credential['from']): Credential | undefined =>
    text !== undefined && isToken(text) ? { token: text, from } : undefined;
  return (
    token(/^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1], 'header') ??
    (mayUseCookie(request, settings.allowedOrigins)
      ? token(parseCookie(headers.cookie ?? '')['access_token'], 'cookie')
      : undefined) ??
    token(protocolToken(entriesOf(headers['sec-websocket-protocol'])), 'subprotocol') ??
    (settings.allowQueryToken ? token(queryToken(url), 'query') : undefined)
  );
}

/**
 * What to answer to the subprotocols that a client offers, for ws's `handleProtocols`: the first that is no credential.
 * A browser whose offers are all passed over ends the handshake (WHATWG WebSockets; Chromium, and ws as a client, do),
 * so when there is nothing else the first credential goes back to the client that it came from.
 */
export function chooseSubprotocol(offered: ReadonlySet<string>): string | false {
  const entries = [...offered];
  const token = protocolToken(entries);
  const plain = entries.filter(
    (entry) => entry !== token && !protocolPrefixes.some((p) => entry.startsWith(p)),
  );
  return plain.find((entry) => entry !== protocolMarker) ?? plain[0] ?? entries[0] ?? false;
}

/** A URL for the log: what may be a token is left out. */
export function redactedUrl(url: string): string {
  let isSecret = false;
  return url
    .split(/(?=[?&#;])/)
    .map((piece) => {
      const [start, before = '', name = ''] = /^([?&#;])([^=]*)=/.exec(piece) ?? [];
      if (start !== undefined && secretNames.includes(decodedName(name))) {
        isSecret = true;
        return `${before}${name}=…`;
      }
      // The other two may stand inside of a value.
      if (/^[&#]/.test(piece)) isSecret = false;
      return isSecret ? '' : piece;
    })
    .join('');
}

/**
 * A browser sends cookies whoever wrote the page. So: no browser, a page of this host, or one of an origin that the
 * operator names; `*` names none.
 */
function mayUseCookie({ headers }: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = headers;
  // Images and links of a foreign page are fetched without `Origin`.
  const site = headers['sec-fetch-site'];
  if (origin === undefined) return site === undefined || site === 'same-origin' || site === 'none';
  const named = allowedOrigins.filter((allowed) => allowed !== '*');
  return isOriginAllowed(origin, host, []) || isOriginAllowed(origin, host, named);
}

function entriesOf(header: string | undefined): readonly string[] {
  return (header ?? '').split(',').map((entry) => entry.trim());
}

/** `bearer.<token>`, `access_token.<token>`, or a JWT after `bearer`. */
function protocolToken(entries: readonly string[]): string | undefined {
  for (const [at, entry] of entries.entries()) {
    const prefix = protocolPrefixes.find((each) => entry.startsWith(each) && entry.length > each.length);
    if (prefix !== undefined) return entry.slice(prefix.length);
    const next = entries[at + 1];
    if (entry === protocolMarker && next !== undefined && jwtShape.test(next)) return next;
  }
  return undefined;
}

function queryToken(url: string): string | undefined {
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
  return (
    queryNames.map((name) => query.get(name)).find((value) => value !== null && isToken(value)) ?? undefined
  );
}

/** Of visible ASCII and no longer than any identity's. */
function isToken(text: string): boolean {
  return text.length <= maxTokenBytes && /^[\x21-\x7e]+$/.test(text);
}

/** As a reader of the query would decode it. */
function decodedName(name: string): string {
  const [decoded = ''] = new URLSearchParams(`${name}=`).keys();
  return decoded.trim().toLowerCase();
}
