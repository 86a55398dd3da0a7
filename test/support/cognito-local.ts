import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);

type Stop = () => Promise<void>;

export interface EmulatedPool {
  readonly userPoolId: string;
  readonly clientId: string;
  readonly issuer: string;
}

export interface CognitoLocal {
  readonly port: number;
  /** Makes one operation, such as `InitiateAuth`, answer `NotAuthorizedException`; without a name, none. */
  readonly refuseOperation: (name?: string) => void;
  readonly stop: Stop;
}

/** The key that cognito-local signs with, which comes with it. */
export function readCognitoLocalKey(): { readonly pem: string; readonly kid: string } {
  const { pem, jwk } = require('cognito-local/lib/keys/cognitoLocal.private.json') as {
    pem: string;
    jwk: { kid: string };
  };
  return { pem, kid: jwk.kid };
}

/**
 * Cognito's API on a free port of 127.0.0.1: cognito-local in a child process that ends with this one, with one pool
 * and one app client without a secret.
 */
export async function startCognitoLocal(pool: EmulatedPool): Promise<CognitoLocal> {
  const folder = await mkdtemp(join(tmpdir(), 'cognito-'));
  const child = await spawnCognitoLocal(folder, pool);
  const front = await startQueue(child.port);
  return {
    port: front.port,
    refuseOperation: front.refuseOperation,
    stop: async () => {
      await front.stop();
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function spawnCognitoLocal(
  folder: string,
  { userPoolId, clientId, issuer }: EmulatedPool,
): Promise<{ port: number; stop: Stop }> {
  await mkdir(join(folder, '.cognito', 'db'), { recursive: true });
  const put = (name: string, content: unknown): Promise<void> =>
    writeFile(join(folder, '.cognito', name), JSON.stringify(content));
  await put('config.json', {
    UserPoolDefaults: { UsernameAttributes: [] },
    TokenConfig: { IssuerDomain: issuer.slice(0, issuer.lastIndexOf('/')) },
    ServerConfig: { hostname: '127.0.0.1', port: 0 },
  });
  await put(`db/${userPoolId}.json`, {
    Users: {},
    Options: { Id: userPoolId, Name: 'test', UsernameAttributes: [], MfaConfiguration: 'OFF' },
  });
  await put('db/clients.json', {
    Clients: {
      [clientId]: {
        ClientId: clientId,
        ClientName: 'test',
        UserPoolId: userPoolId,
        ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      },
    },
  });
  // Its standard input closes when this process ends, however it ends, and then it ends too.
  const start = require.resolve('cognito-local/lib/bin/start.js');
  const code = `process.stdin.resume().on('end', () => process.exit()); require(${JSON.stringify(start)});`;
  const child = spawn(process.execPath, ['-e', code], {
    cwd: folder,
    env: { ...process.env, AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const stop: Stop = async () => {
    child.stdin.end();
    child.kill('SIGKILL');
    await gone;
  };
  return { port: await readPort(child), stop };
}

async function readPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('cognito-local has no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /running on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return Number(port);
  }
  throw new Error('cognito-local ended before it listened');
}

/** Hands requests on one at a time: cognito-local reads and writes its file without a lock and would lose users. */
async function startQueue(targetPort: number): Promise<CognitoLocal> {
  let turn: Promise<void> = Promise.resolve();
  let refused: string | undefined;
  const server = createServer((request, response) => {
    const forward = async (): Promise<void> => {
      if (refused !== undefined && request.headers['x-amz-target']?.toString().endsWith(`.${refused}`)) {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(JSON.stringify({ __type: 'NotAuthorizedException', message: 'refused by the test' }));
        return;
      }
      const answer = await ask(targetPort, request);
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'text/plain',
      });
      response.end(Buffer.from(await answer.arrayBuffer()));
    };
    turn = turn.then(forward).catch(() => void response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop: Stop = async () => {
    server.close();
    server.closeAllConnections();
    await turn;
  };
  const refuseOperation = (name?: string): void => {
    refused = name;
  };
  return { port: (server.address() as AddressInfo).port, refuseOperation, stop };
}

async function ask(port: number, request: IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = ['content-type', 'x-amz-target'].flatMap((name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? [[name, value] as [string, string]] : [];
  });
  return fetch(`http://127.0.0.1:${String(port)}${request.url ?? '/'}`, {
    method: request.method ?? 'GET',
    headers,
    ...(request.method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
  });
}
