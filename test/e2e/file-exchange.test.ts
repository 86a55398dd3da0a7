/** Real WebRTC stacks, real files, through a real server: what this project is for. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startAwsEmulators, type AwsEmulators } from '../support/aws-emulators.js';
import { TestServer } from '../support/server.js';
import { PeerLab, readSession, sha256, type PeerFlags, type PeerKind } from './peers.js';

/** More than 5 MB and no multiple of a chunk. */
const clientFileBytes = 5_300_001;
const workerFileBytes = 6_100_003;

// Two processes with a WebRTC stack each take a second, or twenty on a machine that has much else to do.

let lab: PeerLab;
let clientFile: string;
let workerFile: string;

beforeAll(async () => {
  lab = await PeerLab.open();
  clientFile = lab.file('from client: part 2.bin', clientFileBytes);
  workerFile = lab.file('from worker.bin', workerFileBytes);
});

afterEach(async () => {
  await lab.stopAll();
});

afterAll(async () => {
  await lab.close();
});

/** An aiortc worker serves one client and ends; ours is told to. */
const flagsOf = (kind: PeerKind, flags: PeerFlags): PeerFlags =>
  kind === 'node' ? { ...flags, more: ['--once'] } : flags;

const pairs: readonly { readonly worker: PeerKind; readonly client: PeerKind }[] = [
  { worker: 'aiortc', client: 'node' },
  { worker: 'node', client: 'aiortc' },
  { worker: 'node', client: 'node' },
  { worker: 'aiortc', client: 'aiortc' },
];

const modes = [{ mode: 'the embedded default' }, { mode: 'emulated Cognito and DynamoDB' }] as const;

describe.each(modes)('through $mode', ({ mode }) => {
  let aws: AwsEmulators | undefined;
  let server: TestServer;

  beforeAll(async () => {
    if (mode === 'emulated Cognito and DynamoDB') {
      aws = await startAwsEmulators();
      // The AWS SDK reads its endpoints and credentials there.
      Object.assign(process.env, aws.env);
    }
    server = await TestServer.start({ ...aws?.env });
  });

  afterAll(async () => {
    await server.stop();
    await aws?.stop();
    for (const name of Object.keys(aws?.env ?? {})) Reflect.deleteProperty(process.env, name);
  });

  async function expectCleanedUp(session: string): Promise<void> {
    const { r, t, p } = readSession(session);
    expect(await server.post('/delete-peers-and-room', { peer_id: p })).toEqual({
      status: 200,
      text: '{"status":"peer not found"}',
    });
    const { id_token } = await server.signIn();
    const late = await server.connect();
    late.send({ type: 'register', peer_id: 'late', room_id: r, token: t, id_token });
    await late.expect({ type: 'error', reason: 'Room not found' });
    if (aws === undefined) return;
    expect(await aws.getItem(r)).toBeUndefined();
    expect(await aws.userExists(p)).toBe(false);
  }

  test.each(pairs)(
    '[P4] a file goes each way between a worker on $worker and a client on $client',
    async (pair) => {
      const name = `${mode} ${pair.worker} ${pair.client}`.replaceAll(' ', '-');
      const [workerOut, clientOut] = [lab.path(`${name}/worker`), lab.path(`${name}/client`)];
      const worker = lab.start(
        pair.worker,
        'worker',
        server,
        flagsOf(pair.worker, { send: [workerFile], out: workerOut }),
      );
      const session = await worker.line(/^\w+-session:\S+$/);
      const client = lab.start(pair.client, 'client', server, {
        send: [clientFile],
        out: clientOut,
        session,
        expect: 1,
      });

      expect([(await client.exited).code, client.output]).toEqual([0, expect.any(String)]);
      expect([(await worker.exited).code, worker.output]).toEqual([0, expect.any(String)]);
      // Nothing but the two files: no part, no second copy.
      expect(readdirSync(workerOut)).toEqual([path.basename(clientFile)]);
      expect(readdirSync(clientOut)).toEqual([path.basename(workerFile)]);
      expect(sha256(path.join(workerOut, path.basename(clientFile)))).toBe(sha256(clientFile));
      expect(sha256(path.join(clientOut, path.basename(workerFile)))).toBe(sha256(workerFile));
      for (const peer of [worker, client]) {
        expect(peer.lines.filter((line) => line.includes(`sha256=${sha256(clientFile)}`))).toHaveLength(1);
        expect(peer.lines.filter((line) => line.includes(`sha256=${sha256(workerFile)}`))).toHaveLength(1);
      }
      await expectCleanedUp(session);
    },
  );
});
