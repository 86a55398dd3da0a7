/** Tokens whose keys an issuer would have to be asked for, each time anew. */
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { forged } from './bad-tokens.mjs';
import { repeat } from './swarm.mjs';

const issuerName = 'https://issuer.test';

/** An issuer whose key set can be fetched; it counts how often that is done. */
async function startIssuer() {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'known', alg: 'RS256', use: 'sig' }];
  let fetches = 0;
  const server = createServer((request, response) => {
    if (request.url !== '/fetches') fetches += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/fetches' ? { fetches } : { keys }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    settings: {
      JWT_ISSUER: issuerName,
      JWT_AUDIENCE: 'signaling',
      JWT_JWKS_URI: `${url}/keys`,
      // What an attack may know of it.
      NODE_ID: `issuer.${server.address().port}`,
      RATE_BAD_TOKENS_PER_IP: '0',
    },
    token: (sub) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'RS256', kid: 'known' })
        .setIssuer(issuerName)
        .setAudience('signaling')
        .setSubject(sub)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
    fetches: () => fetches,
  };
}

export const attack = {
  what: 'tokens with a new kid each, where keys come from a JWKS; the delay of bad tokens is off',
  stoppedBy: 'V5, B4',
  issuer: startIssuer,
  async run({ http }, terms) {
    const statuses = {};
    const tried = await repeat(40, terms, 200, async (n) => {
      const token = forged(3 * n).replace(/\..*\./, `.${claims(n)}.`);
      const response = await fetch(`${http}/rooms`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      await response.arrayBuffer();
      statuses[response.status] = (statuses[response.status] ?? 0) + 1;
    });
    return { tokens: tried, ...statuses };
  },
};

function claims(n) {
  const text = JSON.stringify({ iss: issuerName, aud: 'signaling', sub: `u${n}`, exp: 4_000_000_000 });
  return Buffer.from(text).toString('base64url');
}
