// As much of systemd as our units use: a manager, and `systemctl` asking it over a socket.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { once } from 'node:events';

/** Settings of a unit, each with its lines. A backslash at a line's end goes on; unknown settings are refused. */
const known = new Set(
  (
    'Description PartOf After Wants StartLimitIntervalSec RuntimeDirectory RuntimeDirectoryMode EnvironmentFile ' +
    'ExecStartPre ExecStart ExecStop Restart RestartSec TimeoutStartSec TimeoutStopSec WantedBy'
  ).split(' '),
);

function readUnit(name) {
  const unit = {};
  for (const line of readFileSync(`/etc/systemd/system/${name}.service`, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('[')) continue;
    const at = line.indexOf('=');
    const key = line.slice(0, at);
    if (!known.has(key)) throw new Error(`${name}: ${key}?`);
    (unit[key] ??= []).push(line.slice(at + 1));
  }
  return unit;
}

/** `${NAME}` in a word, quotes around nothing. */
function words(command, environment) {
  return command
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => (word === '""' ? '' : word))
    .map((word) => word.replace(/\$\{(\w+)\}/g, (_, name) => environment[name] ?? ''));
}

class Service {
  #name;
  #unit;
  #main;
  #isWanted = false;
  state = 'inactive';
  starts = 0;
  /** Since it was started by hand. */
  restarts = 0;

  constructor(name) {
    this.#name = name;
    this.reload();
  }

  reload() {
    this.#unit = readUnit(this.#name);
  }

  /** Resolves to whether it runs. */
  async start() {
    if (this.state === 'active') return true;
    this.#isWanted = true;
    this.restarts = 0;
    return this.#begin();
  }

  async #begin() {
    this.starts += 1;
    this.state = 'activating';
    const [folder] = this.#unit.RuntimeDirectory ?? [];
    if (folder !== undefined) {
      mkdirSync(`/run/${folder}`, { recursive: true });
      chmodSync(`/run/${folder}`, Number.parseInt(this.#unit.RuntimeDirectoryMode[0], 8));
    }
    for (const command of this.#unit.ExecStartPre ?? []) {
      const code = await this.#finish(command.replace(/^-/, ''));
      if (code !== 0 && !command.startsWith('-')) {
        this.#ended(code);
        return false;
      }
    }
    this.#main = this.#spawn(this.#unit.ExecStart[0]);
    this.#main.on('close', (code) => this.#ended(code));
    this.state = 'active';
    return true;
  }

  #ended(code) {
    this.#main = undefined;
    this.result = code;
    this.state = code === 0 ? 'inactive' : 'failed';
    const [folder] = this.#unit.RuntimeDirectory ?? [];
    if (folder !== undefined) rmSync(`/run/${folder}`, { recursive: true, force: true });
    if (!this.#isWanted || code === 0 || this.#unit.Restart?.[0] !== 'on-failure') return;
    this.state = 'activating';
    setTimeout(
      () => {
        if (!this.#isWanted) return;
        this.restarts += 1;
        void this.#begin();
      },
      Number(this.#unit.RestartSec[0]) * 1_000,
    );
  }

  async stop() {
    this.#isWanted = false;
    const main = this.#main;
    if (main === undefined) {
      this.state = 'inactive';
      return;
    }
    const closed = once(main, 'close');
    for (const command of this.#unit.ExecStop ?? []) await this.#finish(command);
    main.kill('SIGTERM');
    await closed;
    this.state = 'inactive';
  }

  get pid() {
    return this.#main?.pid ?? 0;
  }

  #environment() {
    const [file] = this.#unit.EnvironmentFile ?? [];
    const path = file?.replace(/^-/, '');
    if (path === undefined || !existsSync(path)) return {};
    return Object.fromEntries(
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }

  #spawn(command) {
    const environment = this.#environment();
    const [program, ...args] = words(command, environment);
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'].map((one) => (one === 'ignore' ? one : 'pipe')),
      // systemd gives no HOME to services of root.
      env: { PATH: process.env.PATH, ...environment },
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => journal.push(`${this.#name}: ${text}`));
    return child;
  }

  async #finish(command) {
    const [code] = await once(this.#spawn(command), 'close');
    return code;
  }
}

const journal = [];

export class Systemd {
  #services = new Map();
  #enabled = new Set(['docker']);

  async listen() {
    mkdirSync('/run/systemd', { recursive: true });
    const server = net.createServer((socket) => {
      createInterface({ input: socket }).once('line', (line) => {
        void this.#answer(JSON.parse(line)).then(
          (answer) => socket.end(JSON.stringify(answer)),
          (error) => socket.end(JSON.stringify({ code: 1, output: String(error) })),
        );
      });
    });
    server.listen('/run/systemd/private');
    await once(server, 'listening');
  }

  async #answer(args) {
    const [verb, ...names] = args.filter((arg) => !arg.startsWith('-'));
    // docker's own unit is the distribution's.
    const ours = names.filter((name) => name !== 'docker');
    if (verb === 'daemon-reload') {
      for (const service of this.#services.values()) service.reload();
      return { code: 0, output: '' };
    }
    if (verb === 'journal') return { code: 0, output: journal.join('') };
    if (verb === 'show' && args.includes('-P')) {
      const [property, ...shown] = names;
      if (property !== 'NRestarts') throw new Error(`systemctl ${args.join(' ')}?`);
      return { code: 0, output: shown.map((name) => `${this.#service(name).restarts}\n`).join('\n') };
    }
    const services = ours.map((name) => this.#service(name));
    if (verb === 'show') {
      const [{ state, pid, starts, result }] = services;
      return { code: 0, output: JSON.stringify({ state, pid, starts, result }) };
    }
    if (verb === 'is-active')
      return { code: services.every(({ state }) => state === 'active') ? 0 : 3, output: '' };
    if (verb === 'enable') for (const name of names) this.#enabled.add(name);
    // In one transaction what was started last stops first.
    if (verb === 'stop' || verb === 'restart')
      for (const service of services.toReversed()) await service.stop();
    if (verb === 'stop') return { code: 0, output: '' };
    const isStart = verb === 'start' || verb === 'restart' || (verb === 'enable' && args.includes('--now'));
    if (!isStart) throw new Error(`systemctl ${args.join(' ')}?`);
    let code = 0;
    for (const service of services) if (!(await service.start())) code = 1;
    return { code, output: code === 0 ? '' : 'Job failed. See the journal.\n' };
  }

  #service(name) {
    const service = this.#services.get(name) ?? new Service(name);
    this.#services.set(name, service);
    return service;
  }
}
