/** The image as it is run in production: by an OCI runtime, with no rights, a read-only root and a bound on its memory. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, type Exit } from './spawn.js';

const script = fileURLToPath(new URL('../../scripts/image/build.mjs', import.meta.url));

/** What `docker inspect` calls Config, as far as tests look at it. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck: { readonly Test: readonly string[]; readonly Timeout: number };
}

interface ImageReport {
  readonly node: string;
  readonly baseBytes: number;
  readonly aboveBaseBytes: number;
  readonly totalBytes: number;
  readonly config: ImageConfig;
}

export interface Mount {
  readonly from: string;
  readonly to: string;
}

/** The Dockerfile's, built from the sources of now. */
export class BuiltImage {
  private constructor(
    private readonly folder: string,
    readonly report: ImageReport,
  ) {}

  /** Takes a minute or so. Throws what the build complained about. */
  static build(): BuiltImage {
    for (const program of ['buildah', 'runc']) {
      if (spawnSync(program, ['--version']).error !== undefined) {
        throw new Error(`${program} is missing. On Debian: sudo apt-get install buildah runc`);
      }
    }
    const folder = mkdtempSync(path.join(os.tmpdir(), 'image-'));
    const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
    if (status !== 0) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`the image was not built:\n${stderr}`);
    }
    const report = JSON.parse(readFileSync(path.join(folder, 'image.json'), 'utf8')) as ImageReport;
    return new BuiltImage(folder, report);
  }

  /** Of a file inside. */
  path(inside: string): string {
    return path.join(this.rootfs, inside);
  }

  get rootfs(): string {
    return path.join(this.folder, 'rootfs');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface ContainerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  /** Instead of the image's entry point and command. */
  readonly instead?: readonly string[];
}

export const memoryLimitBytes = 256 * 1024 * 1024;

/** One container on the network of this machine. */
export class Container {
  private constructor(
    readonly program: Program,
    private readonly bundle: string,
    private readonly id: string,
    private readonly spec: ProcessSpec,
  ) {}

  /** As `docker run --read-only --cap-drop ALL --security-opt no-new-privileges --memory 256m --tmpfs /tmp IMAGE …command` does. */
  static start(image: BuiltImage, command: readonly string[], options: ContainerOptions = {}): Container {
    assertMemoryController();
    const id = `signaling-${randomBytes(6).toString('hex')}`;
    const bundle = mkdtempSync(path.join(os.tmpdir(), 'bundle-'));
    const { Entrypoint, Cmd } = image.report.config;
    const args = options.instead ?? [...Entrypoint, ...(command.length === 0 ? Cmd : command)];
    const spec = processSpec(image.report.config, args, options.env ?? {});
    writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(bundleConfig(image, spec, id, options)));
    const program = Program.start('runc', [...globals(bundle), 'run', '--bundle', bundle, id]);
    return new Container(program, bundle, id, spec);
  }

  /** Runs a program in it, as the same user, with the same rights and settings. */
  exec(args: readonly string[]): { readonly status: number | null; readonly output: string } {
    const file = path.join(this.bundle, `exec-${randomBytes(6).toString('hex')}.json`);
    writeFileSync(file, JSON.stringify({ ...this.spec, args }));
    const { status, stdout, stderr } = spawnSync(
      'runc',
      [...globals(this.bundle), 'exec', '--process', file, this.id],
      { encoding: 'utf8' },
    );
    return { status, output: (stdout + stderr).trim() };
  }

  /** Runs JavaScript in it; gives what it printed. */
  evaluate(source: string): string {
    return this.exec([this.spec.args[0] ?? '', '--input-type=module', '--eval', source]).output;
  }

  /** What `docker stop` sends. Resolves when it has ended. */
  terminate(): Promise<Exit> {
    this.kill('SIGTERM');
    return this.program.exited;
  }

  kill(signal: NodeJS.Signals): void {
    spawnSync('runc', [...globals(this.bundle), 'kill', this.id, signal]);
  }

  /** Of everything in it since its start, in bytes: the most that was resident at once, and how often the bound was hit. */
  memory(): { readonly residentBytes: number; readonly chargedBytes: number; readonly killed: number } {
    const { pid } = JSON.parse(
      spawnSync('runc', [...globals(this.bundle), 'state', this.id], { encoding: 'utf8' }).stdout,
    ) as { pid: number };
    const [, kilobytes] =
      /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
    const group = path.join(controller, this.id);
    const [, killed] = /^oom_kill (\d+)$/m.exec(readFileSync(path.join(group, files.kills), 'utf8')) ?? [];
    return {
      residentBytes: Number(kilobytes) * 1024,
      chargedBytes: Number(readFileSync(path.join(group, files.peak), 'utf8')),
      killed: Number(killed),
    };
  }

  /** Ends it, if it still runs, and frees everything. */
  async stop(): Promise<void> {
    spawnSync('runc', [...globals(this.bundle), 'delete', '--force', this.id]);
    await this.program.stop();
    rmSync(this.bundle, { recursive: true, force: true });
  }
}

interface ProcessSpec {
  readonly args: readonly string[];
  readonly [field: string]: unknown;
}

/** The memory controller of either version of control groups, and its files (cgroup-v1/memory, cgroup-v2 of the kernel's documentation). */
const isFirstVersion = existsSync('/sys/fs/cgroup/memory');
const controller = isFirstVersion ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
const files = isFirstVersion
  ? { peak: 'memory.max_usage_in_bytes', kills: 'memory.oom_control' }
  : { peak: 'memory.peak', kills: 'memory.events' };

function assertMemoryController(): void {
  const trial = path.join(controller, `trial-${randomBytes(6).toString('hex')}`);
  try {
    mkdirSync(trial);
    rmdirSync(trial);
  } catch (cause) {
    const need = `containers need a memory controller that may be written to, in ${controller}: run this as root`;
    throw new Error(need, { cause });
  }
}

function globals(bundle: string): string[] {
  return ['--root', path.join(bundle, 'state')];
}

function processSpec(
  config: ImageConfig,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ProcessSpec {
  const [uid, gid] = config.User.split(':').map(Number);
  const none: string[] = [];
  return {
    terminal: false,
    user: { uid, gid },
    args,
    env: [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    cwd: config.WorkingDir,
    capabilities: { bounding: none, effective: none, inheritable: none, permitted: none, ambient: none },
    noNewPrivileges: true,
  };
}

/** OCI runtime specification 1.0. */
function bundleConfig(
  image: BuiltImage,
  process: ProcessSpec,
  id: string,
  { mounts = [] }: ContainerOptions,
): object {
  const bind = ({ from, to }: Mount): object => ({
    destination: to,
    source: from,
    type: 'bind',
    options: ['rbind', 'ro', 'nosuid', 'nodev'],
  });
  return {
    ociVersion: '1.0.0',
    process,
    root: { path: image.rootfs, readonly: true },
    hostname: 'signaling',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/tmp',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=16m'],
      },
      ...mounts.map(bind),
    ],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
      cgroupsPath: `/${id}`,
      resources: {
        memory: { limit: memoryLimitBytes, swap: memoryLimitBytes },
        pids: { limit: 128 },
        devices: [{ allow: false, access: 'rwm' }],
      },
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list'],
      readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'],
    },
  };
}
