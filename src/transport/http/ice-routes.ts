/** ICE servers over HTTP, in the shapes of the three families of clients that ask for them (SPEC I3 to I7). */
import type { Request } from 'express';
import { webrtcIceConfig } from '../../dialects/webrtc/ice-config.js';
import type { IceConfig, IceServer } from '../../protocol/ice.js';
import type { Json, JsonObject } from '../../protocol/records.js';
import { tooMany, type Asker } from './asker.js';
import { refusal } from './failure.js';
import { jsonReply, type Reply } from './reply.js';
import type { Route } from './route.js';

/** What these routes ask of the core. */
export interface IceDesk {
  /** For the verified user of a token. Rejects with `INVALID_TOKEN` or `IDENTITY_UNAVAILABLE`. */
  iceConfigOf(credential: string): Promise<IceConfig>;
  /** For who proves nothing; asked only where the settings allow it. */
  anonymousIceConfig(): IceConfig;
}

export interface IceParts extends Asker {
  readonly desk: IceDesk;
  readonly settings: {
    /** Who proves nothing gets TURN credentials too (S2). */
    readonly allowAnonymousIce: boolean;
    /** Over the four paths together; 0: no limit. */
    readonly iceRequestsPerMinutePerIp: number;
  };
}

/** Where a family looks for the reason of a refusal. */
type ReasonKey = 'detail' | 'error';

/** One family of clients: what it calls a reason, and how it reads ICE servers. */
interface Family {
  readonly reason: ReasonKey;
  readonly anonymous: boolean;
  readonly unauthenticated: string;
  readonly failed: string;
  readonly answer: (ice: IceConfig) => Reply;
}

/** For S1's clients, which ask again that many seconds later (less five) even when there is nothing that ends. */
const idleTtlS = 3_600;

const anyText = 'A token is needed: Authorization: Bearer, or the cookie access_token';

const s4: Family = {
  reason: 'detail',
  anonymous: false,
  unauthenticated: 'Not authenticated',
  failed: 'Failed to retrieve WebRTC configuration',
  answer: (ice) => jsonReply(200, webrtcIceConfig(ice)),
};
const s2: Family = {
  reason: 'error',
  anonymous: true,
  unauthenticated: anyText,
  failed: 'Failed to make TURN credentials',
  answer: turnCredentials,
};
const s1: Family = {
  reason: 'error',
  anonymous: true,
  unauthenticated: anyText,
  failed: 'Failed to retrieve the ICE servers',
  answer: ({ servers, ttlS }) => jsonReply(200, { iceServers: servers.map(entryOf), ttl: ttlS ?? idleTtlS }),
};

const families: readonly (readonly [path: string, family: Family])[] = [
  ['/api/v1/webrtc/config', s4],
  ['/webrtc/config', s4],
  ['/api/turn-credentials', s2],
  ['/ice-servers', s1],
  ['/api/turn/ice-servers', s1],
];

export function iceRoutes(parts: IceParts): readonly Route[] {
  return families.map(([path, family]) => ({
    path,
    method: 'GET',
    answer: async (request) => {
      const reply = await answer(parts, family, request);
      // Credentials are the caller's own, and refusals end: no cache may keep either.
      return { ...reply, headers: { ...reply.headers, 'cache-control': 'no-store' } };
    },
  }));
}

/** The limit comes first: a bad token costs its sender as much as a good one. */
async function answer(parts: IceParts, family: Family, request: Request): Promise<Reply> {
  const { desk, settings, limiter, tally, addressOf, credentialOf } = parts;
  try {
    const rule = { name: 'ice', limit: settings.iceRequestsPerMinutePerIp, perMs: 60_000 };
    const verdict = await limiter.take(rule, addressOf(request));
    if (!verdict.isAllowed) {
      tally.requests_limited += 1;
      return tooMany(verdict.retryAfterMs, family.reason);
    }
    const credential = credentialOf(request);
    if (credential !== undefined) return issue(family, await desk.iceConfigOf(credential));
    if (family.anonymous && settings.allowAnonymousIce) return issue(family, desk.anonymousIceConfig());
    const text = family.unauthenticated;
    return jsonReply(401, { [family.reason]: text }, { 'www-authenticate': 'Bearer' });
  } catch (failure) {
    return refused(family, failure);
  }
}

/** Credentials that end are a relay's: it is noted who got some, by the name that the relay knows. */
function issue({ answer: answerOf }: Family, ice: IceConfig): Reply {
  const user = ice.servers.find(({ credential }) => credential !== undefined)?.username;
  if (user === undefined) return answerOf(ice);
  return { ...answerOf(ice), noted: { event: 'turn_credentials_issued', fields: { user } } };
}

/** As every route that verifies a token refuses, in the family's words. */
function refused({ reason, failed }: Family, failure: unknown): Reply {
  const reply = refusal(failure);
  if (reply.status === 500) return { ...jsonReply(500, { [reason]: failed }), failure };
  if (reason === 'detail') return reply;
  const { detail } = JSON.parse(reply.text) as { detail: Json };
  return { ...reply, text: JSON.stringify({ [reason]: detail }) };
}

/** S2's documented names and those that its code used; `ttl` in seconds, `expiresAt` in unix milliseconds. */
function turnCredentials({ servers, ttlS, expiresAtMs }: IceConfig): Reply {
  const turn = servers.find(({ credential }) => credential !== undefined);
  const { urls, username, credential } = turn ?? {};
  if (
    urls === undefined ||
    username === undefined ||
    credential === undefined ||
    ttlS === undefined ||
    expiresAtMs === undefined
  ) {
    const error = 'TURN is not configured on this server: set TURN_URLS and TURN_SHARED_SECRET';
    return jsonReply(503, { error });
  }
  return jsonReply(200, {
    urls,
    username,
    password: credential,
    credential,
    credentialType: 'password',
    ttl: ttlS,
    expiresAt: expiresAtMs,
  });
}

/** RTCIceServer; what it has not is left out. */
function entryOf({ urls, username, credential }: IceServer): JsonObject {
  return {
    urls,
    ...(username !== undefined && { username }),
    ...(credential !== undefined && { credential }),
  };
}
