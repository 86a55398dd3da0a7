/** Tokens that are none, that are somebody else's, or that nobody has signed; and room tokens by guessing. */
import { RawSocket, said } from './raw-socket.mjs';
import { patienceS, pause, repeat } from './swarm.mjs';

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function forged(n) {
  const header = part({ alg: ['RS256', 'none', 'HS256'][n % 3], kid: `unknown-${n}`, typ: 'JWT' });
  const claims = part({
    iss: 'urn:signaling:local',
    aud: 'signaling',
    sub: `u${n}`,
    token_use: 'id',
    exp: 4_000_000_000,
  });
  return `${header}.${claims}.${Buffer.alloc(256, n & 255).toString('base64url')}`;
}

export const attack = {
  what: 'forged tokens, each with another kid, over HTTP and in first messages; room tokens by guessing',
  stoppedBy: 'L8',
  settings: () => ({ RATE_UPGRADES_PER_IP: '0' }),
  async run({ http, wsPort, room, idTokens }, terms) {
    // Answers are held back, for 5 s at most: where turns count, each is waited for.
    const waitMs = terms.isCounted ? patienceS * 1000 : 1_000;
    const statuses = {};
    let guesses = 0;
    let rejected = 0;
    const count = (status) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
    };
    await Promise.all([
      repeat(20, terms, 40, async (n) => {
        const socket = await RawSocket.upgrade(wsPort);
        const claim = n % 2 === 0 ? { token: n.toString(16).padStart(6, '0') } : { id_token: forged(n) };
        socket.write(said({ type: 'join_room', peer_id: 'g', ...room, id_token: idTokens[0], ...claim }));
        guesses += 1;
        await Promise.race([socket.until(() => /"error"/.test(socket.text)), pause(waitMs)]);
        if (/"error"/.test(socket.text)) rejected += 1;
        socket.drop();
      }),
      repeat(20, terms, 40, async (n) => {
        const signal = AbortSignal.timeout(waitMs);
        const init = { headers: { authorization: `Bearer ${forged(n)}` }, signal };
        const path = ['/webrtc/config', '/rooms', '/ice-servers'][n % 3];
        await fetch(http + path, init).then(
          async (response) => {
            await response.arrayBuffer();
            count(response.status);
          },
          () => count('kept waiting'),
        );
      }),
    ]);
    return { guesses, rejected, ...statuses };
  },
};
