/** A machine with a root of its own in memory, in which a user data script is run: see stand-ins/. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { TestNode } from '../support/test-node.js';

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** What the test decides about AWS. */
interface CloudChange {
  /** SSM parameters, all of them; several versions of one as a list. */
  readonly parameters?: Readonly<Record<string, string | readonly string[]>>;
  /** `autoscaling/target-lifecycle-state` of the metadata service. */
  readonly lifecycle?: string;
  /** What was called until now is forgotten. */
  readonly forget?: boolean;
  /** So many completions of lifecycle actions are refused. */
  readonly refuseLifecycle?: number;
}

type CloudCall = Readonly<Record<string, string>>;

/** Programs that are there from the start, and those that `dnf install` brings. */
const present = {
  curl: 'echo "curl $*" >>/var/log/calls\nexec /usr/bin/curl "$@"',
  journalctl: 'exec systemctl journal "${@: -1}"',
  systemctl: 'exec /opt/node /opt/stand-ins/systemctl.mjs "$@"',
  dnf: 'echo "dnf $*" >>/var/log/calls\ncp /opt/packages/* /usr/local/bin/',
};
const packaged = ['docker', 'aws'];

function program(file: string, script: string): void {
  writeFileSync(file, `#!/bin/bash\n${script}\n`);
  chmodSync(file, 0o755);
}

export class ThrowawayMachine {
  readonly #waiting = new Map<number, (value: unknown) => void>();
  readonly #servers: net.Server[] = [];
  #asked = 0;

  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcessWithoutNullStreams,
  ) {}

  /** `entry`: the bundle of `src/container.ts`. Rejects with what is missing where namespaces cannot be made. */
  static async start(entry: string): Promise<ThrowawayMachine> {
    if (process.getuid?.() !== 0 || !existsSync('/usr/bin/unshare')) {
      throw new Error('the rehearsal makes namespaces: run it as root, with unshare (Debian: util-linux)');
    }
    const folder = mkdtempSync(path.join(os.tmpdir(), 'machine-'));
    const opt = path.join(folder, 'opt');
    for (const name of ['programs', 'packages', 'app/dist'])
      mkdirSync(path.join(opt, name), { recursive: true });
    cpSync('test/infra/stand-ins', path.join(opt, 'stand-ins'), { recursive: true });
    cpSync(entry, path.join(opt, 'app/dist/container.js'));
    writeFileSync(path.join(opt, 'app/package.json'), '{"type":"module"}');
    for (const [name, script] of Object.entries(present)) program(path.join(opt, 'programs', name), script);
    for (const name of packaged) {
      const log = `echo "${name} $*" >>/var/log/calls`;
      program(path.join(opt, 'packages', name), `${log}\nexec /opt/node /opt/stand-ins/${name}.mjs "$@"`);
    }
    const child = spawn('unshare', [
      ...['--mount', '--pid', '--fork', '--net', '--uts', '--ipc', '--kill-child'],
      ...[
        'bash',
        path.join(opt, 'stand-ins/machine.sh'),
        folder,
        process.execPath,
        path.resolve('node_modules'),
      ],
    ]);
    const machine = new ThrowawayMachine(folder, child);
    let complaints = '';
    child.stderr.on('data', (text: Buffer) => {
      complaints += text.toString();
    });
    await new Promise<void>((resolve, reject) => {
      child.once('close', () => {
        reject(new Error(`the machine ended: ${complaints}`));
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as 'ready' | { readonly id: number; readonly value: unknown };
        if (said === 'ready') resolve();
        else machine.#waiting.get(said.id)?.(said.value);
      });
    });
    return machine;
  }

  /** Runs a program in there, as root. */
  run(...command: readonly string[]): Promise<Outcome> {
    return this.#ask({ run: command }) as Promise<Outcome>;
  }

  /** A shell's line. Its output; rejects when it fails. */
  async shell(line: string): Promise<string> {
    const { code, output } = await this.run('bash', '-c', line);
    if (code !== 0) throw new Error(`${line}: ${String(code)}\n${output}`);
    return output;
  }

  /** Runs a script as cloud-init would. */
  userData(script: string): Promise<Outcome> {
    const file = path.join(this.folder, 'opt', 'user-data');
    writeFileSync(file, script);
    chmodSync(file, 0o700);
    return this.run('/opt/user-data');
  }

  /** Changes what AWS says. */
  async cloud(change: CloudChange): Promise<void> {
    await this.#ask({ cloud: change });
  }

  /** The first `aws` command of that name, `cloudwatch put-metric-data`: its options. Waits for it. */
  async called(name: string): Promise<CloudCall> {
    return (await this.#ask({ called: name })) as CloudCall;
  }

  /** What systemd knows of a service. */
  async service(name: string): Promise<{ state: string; pid: number; starts: number; result?: number }> {
    return JSON.parse(await this.shell(`systemctl show ${name}`)) as {
      state: string;
      pid: number;
      starts: number;
    };
  }

  /** Whether a command succeeds, asked until it does. Rejects after two minutes. */
  async until(line: string): Promise<void> {
    await this.shell(
      `for _ in {1..1200}; do ${line} && exit; sleep 0.1; done; systemctl journal | tail -n 50; exit 1`,
    );
  }

  /** Addresses on this side of the server's ports in there. */
  async node(httpPort: number, wsPort: number): Promise<TestNode> {
    const [http, ws] = [await this.#door(httpPort), await this.#door(wsPort)];
    return new TestNode(`http://127.0.0.1:${http}`, `ws://127.0.0.1:${ws}`);
  }

  async #door(port: number): Promise<number> {
    const server = net.createServer((near) => {
      const far = net.connect(path.join(this.folder, 'opt', 'door'));
      far.write(`${port}\n`);
      near.pipe(far).pipe(near);
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as net.AddressInfo).port;
  }

  #ask(question: object): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.child.stdin.write(`${JSON.stringify({ id, ...question })}\n`);
    });
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) server.close();
    if (this.child.exitCode === null) {
      const closed = once(this.child, 'close');
      this.child.stdin.end();
      await closed;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a script is without complaint. Returns what shellcheck says. */
export function shellcheck(script: string): string {
  const { stdout, error } = spawnSync('shellcheck', ['-s', 'bash', '-'], { input: script, encoding: 'utf8' });
  if (error !== undefined) throw new Error('shellcheck is missing (Debian: shellcheck)');
  return stdout;
}
