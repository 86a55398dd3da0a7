/** `npm run load`: a crowd of peers that call, chat, break off and come back, against servers that run. `--help` explains. */
import { parseArgs } from 'node:util';

import { Crowd } from './crowd.mjs';

const help = `npm run load -- --url URL [--url URL] [options]

Puts peers into rooms and lets them do for a while what peers do: offers, candidates, broadcasts, chat; now and then one
breaks off and comes back, over another address if there are several, or asks for what is refused. It counts as one
address: a server that is to take more than 120 peers a minute needs RATE_SIGNINS_PER_IP=0, or --token. Not against
servers that others use.

  --url URL        HTTP address of a server or a load balancer, which must take WebSockets too; may be repeated
  --peers N        peers (20; at most 2000)
  --room-size N    peers in a room (4; at most 50)
  --seconds N      how long (30; at most 600)
  --rate N         messages a second from each peer (2; at most 100)
  --token TOKEN    an identity token for all peers, instead of an anonymous one each
  --sfu            the rooms become SFU rooms, and their peers ask for the router
  --help           this text

The last line is JSON. The exit code is 1 when a session was lost, or a peer was not let in.
`;

function whole(name, text, most) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${text}"`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', multiple: true, default: [] },
      peers: { type: 'string', default: '20' },
      'room-size': { type: 'string', default: '4' },
      seconds: { type: 'string', default: '30' },
      rate: { type: 'string', default: '2' },
      token: { type: 'string' },
      sfu: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (!values.help && values.url.length === 0) throw new Error('--url is missing; see --help');
  return {
    urls: values.url.map((url) => new URL(url).origin),
    peers: whole('peers', values.peers, 2000),
    roomSize: whole('room-size', values['room-size'], 50),
    seconds: whole('seconds', values.seconds, 600),
    rate: whole('rate', values.rate, 100),
    token: values.token,
    isSfu: values.sfu,
    help: values.help,
  };
}

try {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
  } else {
    const crowd = new Crowd(options);
    try {
      await crowd.gather();
      process.stdout.write(`${options.peers} peers are in. ${options.seconds} s …\n`);
      await crowd.live();
    } finally {
      crowd.disperse();
    }
    process.stdout.write(`${JSON.stringify(crowd.counts)}\n`);
    if (crowd.counts.lost > 0) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`load: ${error.message}\n`);
  process.exitCode = 1;
}
