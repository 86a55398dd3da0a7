/** The container's process: which program runs is its one argument. */
import { readFileSync } from 'node:fs';
import process from 'node:process';

const healthWithinMs = 3_000;

/** As a shell says that SIGTERM and SIGINT ended a process. */
const endedBy = { SIGTERM: 143, SIGINT: 130 } as const;

/**
 * The kernel does not deliver to the first process of a container what that process does not handle, so a program that
 * still loads could only be killed. Until it handles signals itself, this does.
 */
async function run(program: () => Promise<unknown>): Promise<void> {
  const end = (signal: 'SIGTERM' | 'SIGINT'): never => process.exit(endedBy[signal]);
  process.on('SIGTERM', end).on('SIGINT', end);
  await program();
  process.off('SIGTERM', end).off('SIGINT', end);
}

/** What the first process was started as; with `--init` its arguments are the init's last ones. */
function mainProgram(): string {
  return readFileSync('/proc/1/cmdline', 'utf8').split('\0').includes('media') ? 'media' : 'server';
}

/** From the settings that the program itself has. */
async function healthAddress(program: string): Promise<string> {
  const { askedAt } = await import('./healthcheck.js');
  if (program === 'media') {
    const { loadMediaConfig } = await import('./media/config.js');
    const { host, port } = loadMediaConfig();
    return askedAt(host, port, '/health');
  }
  const { loadConfig } = await import('./config.js');
  const { host, httpPort } = loadConfig();
  return askedAt(host, httpPort, '/healthz');
}

async function checkHealth(program: string): Promise<void> {
  const url = await healthAddress(program);
  const { healthOf } = await import('./healthcheck.js');
  const health = await healthOf(url, healthWithinMs);
  process.stdout.write(`${url} ${health}\n`);
  process.exitCode = health === 'healthy' ? 0 : 1;
}

const [command = 'server', which] = process.argv.slice(2);
if (command === 'server') await run(() => import('./main.js'));
else if (command === 'media') await run(() => import('./media/main.js'));
else if (command === 'healthcheck') await checkHealth(which ?? mainProgram());
else {
  process.stderr.write(`No program ${command}. There are: server, media, healthcheck\n`);
  process.exitCode = 2;
}
