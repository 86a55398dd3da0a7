/** A real TURN server (coturn) on the loopback interface, and a client that asks it for an allocation. */
import { spawnSync } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.js';
import { Program } from './spawn.js';

const host = '127.0.0.1';

export class Coturn {
  #hasEnded = false;

  private constructor(
    private readonly program: Program,
    private readonly folder: string,
    readonly port: number,
    readonly secret: string,
  ) {}

  /** Resolves when it answers. Rejects when it is not installed. `config`: a file of settings, instead of what tests need. */
  static async start(config?: string): Promise<Coturn> {
    assertInstalled();
    const port = await freePort();
    const secret = randomBytes(16).toString('hex');
    const folder = mkdtempSync(path.join(os.tmpdir(), 'coturn-'));
    const program = Program.start('turnserver', [
      ...(config === undefined ? ['-n', '--use-auth-secret', '--allow-loopback-peers'] : ['-c', config]),
      `--static-auth-secret=${secret}`,
      '--realm=relay.test',
      `--listening-ip=${host}`,
      `--relay-ip=${host}`,
      `--listening-port=${String(port)}`,
      '--no-cli',
      '--no-tls',
      '--no-dtls',
      '--log-file=stdout',
      '--simple-log',
      `--pidfile=${path.join(folder, 'pid')}`,
      `--userdb=${path.join(folder, 'turndb')}`,
    ]);
    const coturn = new Coturn(program, folder, port, secret);
    try {
      await program.line(/Total General servers/);
      await coturn.#answers();
    } catch (error) {
      await coturn.stop();
      throw error;
    }
    return coturn;
  }

  get stunUrl(): string {
    return `stun:${host}:${String(this.port)}`;
  }

  get turnUrl(): string {
    return `turn:${host}:${String(this.port)}?transport=udp`;
  }

  /**
   * Asks for a relayed address as RFC 8656 section 7 has it: without credentials first, for realm and nonce. Resolves
   * with the address, or with the code and the reason of the refusal. What was allocated is given back.
   */
  async allocate(username: string, password: string): Promise<Allocation> {
    const stun = await StunClient.open(this.port);
    try {
      const first = await stun.ask(allocateType, [udpTransport]);
      const realm = first.attributes.get(attribute.realm);
      const nonce = first.attributes.get(attribute.nonce);
      if (realm === undefined || nonce === undefined) throw new Error('no realm, no nonce: no challenge');
      const identity: StunAttribute[] = [
        [attribute.username, Buffer.from(username)],
        [attribute.realm, realm],
        [attribute.nonce, nonce],
      ];
      const key = createHash('md5').update(`${username}:${realm.toString()}:${password}`).digest();
      const answer = await stun.ask(allocateType, [udpTransport, ...identity], key);
      if (answer.isRefused) return { challenge: errorOf(first), refused: errorOf(answer) };
      const noTime: StunAttribute = [attribute.lifetime, Buffer.alloc(4)];
      await stun.ask(refreshType, [noTime, ...identity], key);
      return { challenge: errorOf(first), relayed: relayedAddress(answer) };
    } finally {
      stun.close();
    }
  }

  /** Asks it to let each peer (IPv4) reach us, and gives what it said: `granted`, or code and reason (RFC 8656 section 9). */
  async permit(username: string, password: string, peers: readonly string[]): Promise<string[]> {
    const stun = await StunClient.open(this.port);
    try {
      const first = await stun.ask(allocateType, [udpTransport]);
      const realm = first.attributes.get(attribute.realm) ?? Buffer.alloc(0);
      const identity: StunAttribute[] = [
        [attribute.username, Buffer.from(username)],
        [attribute.realm, realm],
        [attribute.nonce, first.attributes.get(attribute.nonce) ?? Buffer.alloc(0)],
      ];
      const key = createHash('md5').update(`${username}:${realm.toString()}:${password}`).digest();
      const allocated = await stun.ask(allocateType, [udpTransport, ...identity], key);
      if (allocated.isRefused) throw new Error(`no allocation: ${errorOf(allocated)}`);
      const said: string[] = [];
      for (const peer of peers) {
        const answer = await stun.ask(permissionType, [[attribute.peer, xorAddress(peer)], ...identity], key);
        said.push(answer.isRefused ? errorOf(answer) : 'granted');
      }
      return said;
    } finally {
      stun.close();
    }
  }

  /** SIGKILL. Resolves when it is gone. */
  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A refused datagram says that nobody listens yet. */
  async #answers(): Promise<void> {
    void this.program.exited.finally(() => {
      this.#hasEnded = true;
    });
    for (;;) {
      if (this.#hasEnded) throw new Error(`turnserver ended:\n${this.program.output}`);
      const stun = await StunClient.open(this.port);
      try {
        await stun.ask(bindingType, []);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
      } finally {
        stun.close();
      }
    }
  }
}

/** `challenge` is what was said to a request without credentials. */
export interface Allocation {
  readonly challenge: string;
  /** `host:port` where others reach the client. */
  readonly relayed?: string;
  /** Code and reason. */
  readonly refused?: string;
}

type StunAttribute = readonly [type: number, value: Buffer];

interface StunAnswer {
  readonly isRefused: boolean;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

const magicCookie = 0x2112a442;
const headerBytes = 20;
const integrityBytes = 4 + 20;
const bindingType = 0x0001;
const allocateType = 0x0003;
const refreshType = 0x0004;
const permissionType = 0x0008;
/** Both bits of the class. */
const errorClass = 0x0110;
const attribute = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  lifetime: 0x000d,
  peer: 0x0012,
  realm: 0x0014,
  nonce: 0x0015,
  relayed: 0x0016,
  transport: 0x0019,
} as const;
const udpTransport: StunAttribute = [attribute.transport, Buffer.from([17, 0, 0, 0])];

/** One question at a time over UDP on loopback, where nothing is lost (RFC 8489 section 5). */
class StunClient {
  private constructor(private readonly socket: Socket) {}

  static async open(port: number): Promise<StunClient> {
    const socket = createSocket('udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    return new StunClient(socket);
  }

  /** With a key the message carries its MESSAGE-INTEGRITY. Rejects with what the socket says. */
  async ask(type: number, attributes: readonly StunAttribute[], key?: Buffer): Promise<StunAnswer> {
    const answered = once(this.socket, 'message');
    this.socket.send(messageOf(type, attributes, key));
    const [bytes] = (await answered) as [Buffer];
    return {
      isRefused: (bytes.readUInt16BE(0) & errorClass) === errorClass,
      attributes: readAttributes(bytes),
    };
  }

  close(): void {
    this.socket.close();
  }
}

function messageOf(type: number, attributes: readonly StunAttribute[], key: Buffer | undefined): Buffer {
  const body = Buffer.concat(attributes.map(writeAttribute));
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length + (key === undefined ? 0 : integrityBytes), 2);
  header.writeUInt32BE(magicCookie, 4);
  randomBytes(12).copy(header, 8);
  const message = Buffer.concat([header, body]);
  if (key === undefined) return message;
  const integrity = createHmac('sha1', key).update(message).digest();
  return Buffer.concat([message, writeAttribute([attribute.integrity, integrity])]);
}

function writeAttribute([type, value]: StunAttribute): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc(padding(value.length))]);
}

function readAttributes(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = headerBytes; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + padding(length);
  }
  return found;
}

function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}

function errorOf({ attributes }: StunAnswer): string {
  const value = attributes.get(attribute.error) ?? Buffer.alloc(4);
  return `${String(value.readUInt8(2) * 100 + value.readUInt8(3))} ${value.subarray(4).toString()}`;
}

/** XOR-RELAYED-ADDRESS of an IPv4 host (RFC 8489 section 14.2). */
function relayedAddress({ attributes }: StunAnswer): string {
  const value = attributes.get(attribute.relayed);
  if (value === undefined) throw new Error('the answer carries no relayed address');
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(magicCookie);
  const port = value.readUInt16BE(2) ^ mask.readUInt16BE(0);
  const address = [...value.subarray(4, 8)].map((byte, index) => byte ^ (mask[index] ?? 0)).join('.');
  return `${address}:${String(port)}`;
}

/** XOR-PEER-ADDRESS; the port does not count. */
function xorAddress(peer: string): Buffer {
  const value = Buffer.alloc(8);
  value.writeUInt8(1, 1);
  value.writeUInt16BE(magicCookie >>> 16, 2);
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(magicCookie);
  for (const [index, part] of peer.split('.').entries()) {
    value.writeUInt8(Number(part) ^ (mask[index] ?? 0), 4 + index);
  }
  return value;
}

let isInstalled = false;

function assertInstalled(): void {
  isInstalled ||= spawnSync('turnserver', ['--version']).error === undefined;
  if (!isInstalled) throw new Error('turnserver is missing. On Debian: sudo apt-get install coturn');
}
