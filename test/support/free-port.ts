/** Ports for programs that must be told theirs, or that come back at the one they had. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import process from 'node:process';

const host = '127.0.0.1';
/** A node of a Redis Cluster talks to the others at its port and this (cluster-port of its documentation). */
const busOffset = 10_000;
/**
 * Below what the kernel gives to whoever asks for any port (ip_local_port_range: from 32,768), so that nobody gets one before
 * its program has it, or while that is started anew. The buses of Redis lie between them.
 */
const ranges = {
  redis: { first: 10_000, count: 6_000 },
  other: { first: 26_000, count: 6_000 },
};

/** Test files that run at the same time have each their part of a range: Jest has two workers. */
const workers = 2;
const worker = (Number(process.env['JEST_WORKER_ID'] ?? '1') - 1) % workers;
const given = new Set<number>();

function pick({ first, count }: { readonly first: number; readonly count: number }): number {
  const part = count / workers;
  return first + worker * part + Math.floor(Math.random() * part);
}

/** Free for TCP and UDP on the loopback interface; no other test gets it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = pick(ranges.other);
    if (!given.has(port) && (await isFree(port)) && (await isFreeForUdp(port))) return note(port);
  }
}

/** The same for a Redis, and for its bus. */
export async function freeRedisPort(): Promise<number> {
  for (;;) {
    const port = pick(ranges.redis);
    if (!given.has(port) && (await isFree(port)) && (await isFree(port + busOffset))) return note(port);
  }
}

function note(port: number): number {
  given.add(port);
  return port;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return true;
  } catch {
    // Somebody has it.
    return false;
  } finally {
    server.close();
  }
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return true;
  } catch {
    // Somebody has it.
    return false;
  } finally {
    socket.close();
  }
}
