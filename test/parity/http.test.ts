/** Replays the recorded HTTP cases against the server on emulated Cognito and DynamoDB. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Lab, type HttpResult, type Names } from './lab.js';
import { cases, expectRecorded } from './recording.js';

interface Replay extends Names {
  readonly result: unknown;
}

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A POST to /create-room with the given header, and the room if one was made. */
async function create(lab: Lab, authorization?: string): Promise<Replay & { readonly result: HttpResult }> {
  const headers = authorization === undefined ? {} : { authorization };
  const result = await lab.http({ path: '/create-room', headers });
  if (result.status !== 200) return { result };
  const { room_id: roomId, token } = result.json as Record<'room_id' | 'token', string>;
  return { result, room: { roomId, token } };
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

async function signInAndLook(lab: Lab): Promise<Replay> {
  const answer = await lab.http({ path: '/anonymous-signin' });
  const { id_token: idToken, username } = answer.json as Record<'id_token' | 'username', string>;
  const user = { idToken, username };
  const { aud, iss, token_use: tokenUse } = claimsOf(idToken);
  expect(answer.status).toBe(200);
  return {
    users: [user],
    result: {
      ...answer,
      // The recording put Cognito's word for the user here.
      status: await lab.userStatus(user),
      keys: Object.keys(answer.json as object),
      usernameIsUuid4: uuid4.test(username),
      claimAudIsClient: aud === lab.aws.clientId,
      claimIssOk: iss === lab.aws.issuer,
      token_use: tokenUse,
      cognitoUser: (await lab.aws.userExists(username)) ? 'exists' : 'absent',
    },
  };
}

async function createAndLook(lab: Lab): Promise<Replay> {
  const user = await lab.signIn();
  const { result, room } = await create(lab, `Bearer ${user.idToken}`);
  const item = (await lab.aws.getItem(room?.roomId ?? '')) ?? {};
  const types = Object.entries(item).map(([name, value]) => [name, Object.keys(value)[0]]);
  const expiresInS = Number(item['expires_at']?.N) - Date.now() / 1000;
  return {
    ...(room !== undefined && { room }),
    result: {
      ...result,
      keys: Object.keys(result.json as object),
      roomIdFormat: /^[0-9a-f]{8}$/.test(room?.roomId ?? ''),
      tokenFormat: /^[0-9a-f]{6}$/.test(room?.token ?? ''),
      itemKeys: Object.keys(item).sort(),
      itemTypes: Object.fromEntries(types) as unknown,
      createdByIsSub: item['created_by']?.S === claimsOf(user.idToken)['sub'],
      ttlAbout7200: Math.abs(expiresInS - 7200) < 60,
      expiresInteger: /^\d+$/.test(item['expires_at']?.N ?? ''),
    },
  };
}

const get = (path: string) => async (lab: Lab) => ({ result: await lab.http({ method: 'GET', path }) });
const remove = (body?: string) => async (lab: Lab) => ({
  result: await lab.http({
    path: '/delete-peers-and-room',
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body }),
  }),
});

const replays: Readonly<Record<string, (lab: Lab) => Promise<Replay>>> = {
  h01: signInAndLook,
  h04: get('/anonymous-signin'),
  h05: async (lab) => {
    const [one, two] = [await lab.signIn(), await lab.signIn()];
    return { result: { different: one.username !== two.username && one.idToken !== two.idToken } };
  },
  h10: createAndLook,
  h11: async (lab) => create(lab, (await lab.signIn()).idToken),
  h14: (lab) => create(lab),
  h17: (lab) => create(lab, 'Bearer garbage'),
  h18: (lab) => create(lab, `Bearer ${lab.aws.forge.tampered()}`),
  'h20-ok': (lab) => create(lab, `Bearer ${lab.aws.forge.valid()}`),
  'h20-expired': (lab) => create(lab, `Bearer ${lab.aws.forge.flawed('expired')}`),
  'h20-wrongAud': (lab) => create(lab, `Bearer ${lab.aws.forge.flawed('wrongAud')}`),
  'h20-wrongIss': (lab) => create(lab, `Bearer ${lab.aws.forge.flawed('wrongIss')}`),
  'h20-none': (lab) => create(lab, `Bearer ${lab.aws.forge.algNone()}`),
  h23: get('/create-room'),
  h30: remove(),
  h31: remove('{bad'),
  h32: remove('[]'),
  h36: remove('{}'),
  h37: remove('{"peer_id":"nobody"}'),
  h42: get('/delete-peers-and-room'),
  h65: async (lab) => {
    const result = await lab.http({ path: '/create-room/' });
    const location = result.location?.replace(new URL(lab.app.addresses.http).host, '<HTTPHOST>');
    return { result: { ...result, location } };
  },
};

describe('The recorded HTTP cases', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.start();
  });
  afterEach(() => lab.clear());
  afterAll(() => lab.stop());

  const recorded = cases.filter(({ id }) => id.startsWith('h'));

  test('are all replayed', () => {
    expect(Object.keys(replays).sort()).toEqual(recorded.map(({ id }) => id).sort());
    expect(recorded).toHaveLength(21);
  });

  test.each(recorded.map(({ id, title }) => [id, title]))('%s (%s) is answered as recorded', async (id) => {
    const replay = await replays[id]?.(lab);
    expectRecorded(id, replay?.result, replay);
  });
});
