/** Rooms, listed ones too, from as many addresses as it takes, and the list of them, again and again. */
import { Agent, request } from 'node:http';
import { addressOf, repeat } from './swarm.mjs';

const agent = new Agent({ keepAlive: false });

/** One request from an address of its own. */
function ask(port, path, from, { method = 'GET', token, body } = {}) {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers, localAddress: from, agent },
      (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      },
    );
    asked.once('error', reject);
    asked.end(body);
  });
}

export const attack = {
  what: 'open rooms with the longest names from 100 addresses, then lists of them from 100 addresses',
  stoppedBy: 'L6',
  async run({ httpPort, idTokens: [token] }, terms) {
    const half = { ...terms, seconds: terms.seconds / 2 };
    const made = {};
    const listed = {};
    const count = (counts, status) => {
      counts[status] = (counts[status] ?? 0) + 1;
    };
    const body = JSON.stringify({ name: 'x'.repeat(100), isPublic: true, is_open: true });
    await repeat(10, half, 200, async (n) => {
      count(made, await ask(httpPort, '/rooms', addressOf(2 + (n % 100)), { method: 'POST', token, body }));
    });
    await repeat(10, half, 200, async (n) => {
      count(
        listed,
        await ask(httpPort, `/rooms?limit=100&offset=${n % 50}`, addressOf(2 + (n % 100)), { token }),
      );
    });
    return {
      'rooms asked for': Object.values(made).reduce((a, b) => a + b, 0),
      made: (made[200] ?? 0) + (made[201] ?? 0),
      'lists asked for': Object.values(listed).reduce((a, b) => a + b, 0),
      given: listed[200] ?? 0,
    };
  },
};
