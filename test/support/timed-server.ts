/** One server with time in the test's hand, and limits where the test sets them. */
import { generateKeyPairSync } from 'node:crypto';
import type { Ports } from '../../src/core/context.js';
import { FakeClock } from './fake-clock.js';
import { TestServer } from './server.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** To make one takes as long as a hundred requests: the servers of one file share it. */
export const signingKey = {
  LOCAL_SIGNING_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

/** Sockets are not what this is about: nobody is pinged, nobody is late. */
const calm = { ...signingKey, PRE_JOIN_MS: '86400000', PING_MS: '86400000' };
const stepMs = 50;

export class TimedServer {
  private constructor(
    readonly clock: FakeClock,
    readonly server: TestServer,
  ) {}

  static async start(
    env: Record<string, string> = {},
    overrides: Partial<Ports> = {},
    clock = new FakeClock(),
  ): Promise<TimedServer> {
    return new TimedServer(clock, await TestServer.start({ ...calm, ...env }, { clock, ...overrides }));
  }

  /** Lets time pass, in small steps, until it is done. */
  async passUntil<Result>(done: Promise<Result>): Promise<Result> {
    const progress = { isDone: false };
    const watch = (): void => {
      progress.isDone = true;
    };
    done.then(watch, watch);
    while (!progress.isDone) {
      this.clock.advance(stepMs);
      await turn();
    }
    return done;
  }

  stop(): Promise<void> {
    return this.passUntil(this.server.stop());
  }
}

/** Sockets are read and promises settle between two steps. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
