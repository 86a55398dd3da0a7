// Docker, engine and client in one: images are names, and a container is the image's start command as a process with
// exactly the environment that it was given.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const images = '/var/lib/docker-images';
const containers = '/run/docker-containers';
mkdirSync(containers, { recursive: true });
const [verb, ...args] = process.argv.slice(2);

const knownImages = () => (existsSync(images) ? readFileSync(images, 'utf8').split('\n') : []);
const stateOf = (name) => `${containers}/${name}`;

function fail(text, code = 125) {
  process.stderr.write(`docker: ${text}\n`);
  process.exit(code);
}

async function login() {
  const registry = args.at(-1);
  let password = '';
  for await (const part of process.stdin) password += part;
  if (args.slice(0, -1).join(' ') !== '-u AWS --password-stdin') fail(`login ${args.join(' ')}?`);
  // ACCOUNT.dkr.ecr.REGION.amazonaws.com: a password is good in its region.
  const [, region] = /\.dkr\.ecr\.([\w-]+)\./.exec(registry) ?? [];
  if (!password.startsWith('registry-password') || !password.trim().endsWith(`-in-${region}`))
    fail('unauthorized', 1);
  mkdirSync(process.env.DOCKER_CONFIG, { recursive: true });
  writeFileSync(
    `${process.env.DOCKER_CONFIG}/config.json`,
    JSON.stringify({ auths: { [registry]: password } }),
  );
}

function pull() {
  const image = args.at(-1);
  const [registry] = image.split('/');
  const config = `${process.env.DOCKER_CONFIG}/config.json`;
  const mayPull =
    !registry.includes('.dkr.ecr.') ||
    (existsSync(config) && readFileSync(config, 'utf8').includes(registry));
  if (!mayPull) fail(`pull ${image}: no basic auth credentials`, 1);
  if (image.includes('missing')) fail(`pull ${image}: not found`, 1);
  appendFileSync(images, `${image}\n`);
}

/** Options of `run` with a value, and without one. */
const valued = new Set(
  (
    '--name --network --cap-drop --cap-add --security-opt --pids-limit --tmpfs --stop-timeout --memory --memory-swap ' +
    '--log-driver --log-opt --ulimit --env-file --user --volume'
  ).split(' '),
);
const bare = new Set(['--rm', '--read-only']);

function parseRun() {
  const options = {};
  let at = 0;
  for (; args[at].startsWith('--'); at += 1) {
    if (bare.has(args[at])) options[args[at]] = true;
    else if (valued.has(args[at])) (options[args[at]] ??= []).push(args[++at]);
    else fail(`unknown flag: ${args[at]}`);
  }
  return { options, image: args[at], command: args.slice(at + 1) };
}

function readEnvironment(file) {
  const lines = file === undefined ? [] : readFileSync(file, 'utf8').split('\n');
  return Object.fromEntries(
    lines
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** Port 80 of every address is what Caddy asks for, and one of them is the metadata service's in here. */
const caddyOnOtherPort =
  'sed "s/admin off/&\\n\\thttp_port 1080/" /etc/caddy/Caddyfile >/run/Caddyfile && ' +
  'exec caddy run --config /run/Caddyfile --adapter caddyfile';

/** What the images' entry points make of their command. */
function program(image, command) {
  if (image.includes('redis')) return command;
  if (image.includes('coturn')) return ['turnserver', ...command];
  if (image.includes('caddy')) return ['/bin/bash', '-c', caddyOnOtherPort];
  // The Dockerfile's; a test compares.
  return ['/opt/node', 'dist/container.js', ...(command.length > 0 ? command : ['server'])];
}

function runContainer() {
  const { options, image, command } = parseRun();
  const [name] = options['--name'];
  if (!knownImages().includes(image)) fail(`no such image: ${image}`);
  if (existsSync(stateOf(name))) fail(`the name ${name} is in use`);
  for (const volume of options['--volume'] ?? []) {
    const [from, to] = volume.split(':');
    if (!existsSync(from)) mkdirSync(from, { recursive: true });
    mkdirSync(dirname(to), { recursive: true });
    if (!existsSync(to)) symlinkSync(from, to);
  }
  const isOurs = image.includes('webrtc-signaling');
  const [user] = options['--user'] ?? [isOurs ? '65532:65532' : '0:0'];
  const [uid, gid] = user.split(':').map(Number);
  const [file, ...words] = program(image, command);
  const child = spawn(file, words, {
    cwd: '/opt/app',
    env: {
      PATH: process.env.PATH,
      ...(isOurs ? {} : { XDG_DATA_HOME: '/data' }),
      ...readEnvironment(options['--env-file']?.[0]),
    },
    uid,
    gid,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  writeFileSync(stateOf(name), JSON.stringify({ pid: child.pid, image, options }));
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.on('close', (code) => {
    rmSync(stateOf(name));
    process.exit(code ?? 137);
  });
}

async function stop() {
  const [, seconds, name] = args;
  if (!existsSync(stateOf(name))) fail(`No such container: ${name}`, 1);
  const { pid } = JSON.parse(readFileSync(stateOf(name), 'utf8'));
  process.kill(pid, 'SIGTERM');
  const endsAt = Date.now() + Number(seconds) * 1_000;
  while (existsSync(stateOf(name))) {
    if (Date.now() > endsAt) process.kill(pid, 'SIGKILL');
    await pause(10);
  }
}

if (verb === 'run') runContainer();
else if (verb === 'stop') await stop();
else if (verb === 'rm') process.exitCode = existsSync(stateOf(args.at(-1))) ? 0 : 1;
else if (verb === 'login') await login();
else if (verb === 'pull') pull();
else if (verb === 'image' && args[0] === 'inspect')
  process.exitCode = knownImages().includes(args[1]) ? 0 : 1;
else if (verb !== 'image') fail(`${verb}?`);
