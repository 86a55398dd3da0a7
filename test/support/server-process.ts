/** The server as it is run: a process of its own, built from the sources of now. */
import process from 'node:process';
import { Program, type Exit } from './spawn.js';
import { logsAreKept, noteSecretSettings } from './test-logs.js';
import { TestNode } from './test-node.js';
import { unlimited } from './unlimited.js';

/** A running one, on ports that it chose itself. */
export class ServerProcess {
  private constructor(
    private readonly program: Program,
    /** What its clients see. */
    readonly node: TestNode,
  ) {}

  /** Resolves when it takes connections. It gets these settings and no others. */
  static async start(entry: string, settings: Readonly<Record<string, string>>): Promise<ServerProcess> {
    const env = {
      HOST: '127.0.0.1',
      HTTP_PORT: '0',
      WS_PORT: '0',
      LOG_LEVEL: logsAreKept ? 'debug' : 'warn',
      ...unlimited,
      ...settings,
    };
    noteSecretSettings(settings);
    const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    // `env` becomes the server: signals reach it.
    const program = Program.start('env', ['-i', ...assignments, process.execPath, entry]);
    try {
      const http = address(await program.line(/^HTTP /));
      const ws = address(await program.line(/^WebSocket /));
      return new ServerProcess(program, new TestNode(http, ws));
    } catch (error) {
      await program.stop();
      throw error;
    }
  }

  /** SIGTERM. Resolves when it is gone. */
  terminate(): Promise<Exit> {
    this.program.signal('SIGTERM');
    return this.program.exited;
  }

  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void> {
    return this.program.stop();
  }

  /** What it said, for a failed test's message. */
  get output(): string {
    return this.program.output;
  }

  async stop(): Promise<void> {
    this.node.hangUp();
    await this.kill();
  }
}

function address(line: string): string {
  const [found] = /(http|ws):\/\/[\d.:]+/.exec(line) ?? [];
  if (found === undefined) throw new Error(`no address in: ${line}`);
  return found;
}
