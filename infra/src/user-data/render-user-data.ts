/** The user data of a host: a shell script that may run again and again. */
import { readFileSync } from 'node:fs';
import type { Container } from './container.js';
import { containersOf } from './containers.js';
import type { UserDataSettings } from './settings.js';

/** EC2 takes 16 KiB; Terraform's tokens become longer than they are here. */
export const userDataLimitBytes = 15_000;

/** A script of this folder, without what only its readers need. */
function script(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .filter((line, at) => at === 0 || !/^\s*(#|$)/.test(line))
    .map((line) => line.replace(/^(?: {2})+/, (indent) => '\t'.repeat(indent.length / 2)))
    .map((line) => `${line}\n`)
    .join('');
}

/** A value for a file that bash reads. Terraform's tokens have no quotes. */
function quoted(text: string | number): string {
  return `'${String(text).replaceAll("'", String.raw`'\''`)}'`;
}

/** `put` with its content; the mark ends no line of ours. */
function put(mode: string, file: string, content: string): string {
  return `put ${mode} ${file} <<'EOF:'\n${content.trimEnd()}\nEOF:\n`;
}

function hostConf(settings: UserDataSettings, containers: readonly Container[]): string {
  const { autoScaling, server, media, metrics } = settings;
  const values: Readonly<Record<string, string | number>> = {
    REGION: settings.region,
    NAMESPACE: metrics.namespace,
    METRIC_GROUP: metrics.group,
    CONTAINERS: containers.map(({ name }) => name).join(' '),
    UNITS: containers.map(({ name }) => `signaling-${name}`).join(' '),
    HTTP_PORT: server?.httpPort ?? '',
    MEDIA_PORT: media?.port ?? '',
    GROUP: autoScaling?.group ?? '',
    LAUNCH_HOOK: autoScaling?.launchHook ?? '',
    LAUNCH_TIMEOUT_S: autoScaling?.launchTimeoutS ?? '',
    TERMINATE_HOOK: autoScaling?.terminateHook ?? '',
    UNHEALTHY_AFTER_S: autoScaling?.unhealthyAfterS ?? '',
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join('');
}

function filesOf(container: Container, before: readonly string[]): string {
  const { name, description, stopS, options, command, files = {} } = container;
  const secrets = container.secrets.map(({ parameter, prefix, suffix = '' }) =>
    `${parameter} ${prefix} ${suffix}`.trimEnd(),
  );
  const words = [before.join(' '), description, options.join(' '), command.join(' ')].map(quoted);
  return [
    put('644', `/etc/signaling/${name}.image`, container.image),
    put('600', `/etc/signaling/${name}.env`, container.environment.join('\n')),
    put('644', `/etc/signaling/${name}.secrets`, secrets.join('\n')),
    ...Object.entries(files).map(([file, content]) => put('644', file, content)),
    `unit ${name} ${stopS} ${words.join(' ')}\n`,
  ].join('');
}

const watchUnit = `[Unit]
Description=Figures of this host, and its leaving
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/local/sbin/signaling watch
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

/**
 * The script for one host. Plain shell: who hands it to Terraform escapes its `${`. Throws where settings contradict each
 * other, or the script is longer than EC2 takes.
 */
export function renderUserData(settings: UserDataSettings): string {
  const containers = containersOf(settings);
  const units = [...containers.map(({ name }) => `signaling-${name}`), 'signaling-watch'];
  // What starts first stops last: the server before its Redis, Caddy before the server.
  const files = containers.map((container, at) =>
    filesOf(
      container,
      containers.slice(0, at).map(({ name }) => `signaling-${name}.service`),
    ),
  );
  const text = [
    `#!/bin/bash\n# User data of ${settings.name}.\n`,
    `REGION=${quoted(settings.region)} LOG_GROUP=${quoted(settings.logGroup)}\n`,
    script('boot.sh').replace(/^#.*\n/, ''),
    'need docker docker docker.io\nneed aws awscli-2 awscli\nneed curl curl-minimal curl\n',
    put('644', '/etc/signaling/host.conf', hostConf(settings, containers)),
    put('755', '/usr/local/sbin/signaling', script('signaling.sh')),
    ...files,
    put('644', '/etc/systemd/system/signaling-watch.service', watchUnit),
    `start ${units.join(' ')}\n`,
  ].join('');
  const bytes = Buffer.byteLength(text);
  if (bytes > userDataLimitBytes) {
    throw new Error(`the user data of ${settings.name} has ${bytes} bytes, of ${userDataLimitBytes}`);
  }
  return text;
}
