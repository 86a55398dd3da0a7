/** The Media Service's process: settings in, signals handled, exit code out. */
import process from 'node:process';
import { MediaConfigError, takeMediaConfig, type MediaConfig } from './config.js';
import { createMediaApp, type MediaApp } from './media-app.js';
import { EngineError, loadEngine } from './mediasoup-engine.js';

// A full disk, or a reader that is gone, is no reason to end.
process.stdout.on('error', () => undefined);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function explain(error: unknown): string {
  if (error instanceof MediaConfigError || error instanceof EngineError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}. Another server holds the port: stop it, or set MEDIA_PORT.`;
  }
  return error.stack ?? error.message;
}

/** Node ends the process, and says why in lines that no alarm reads. */
function tellOfCrash(app: MediaApp): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    app.crashed(error);
  });
}

function handleSignals(app: MediaApp): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    say(`${signal}: closing. A second signal ends at once.`);
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        say(explain(error));
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function whereMediaGoes({
  listenIp,
  announcedAddress,
  rtcMinPort,
  rtcMaxPort,
  workers,
}: MediaConfig): string {
  const told = announcedAddress ?? listenIp;
  const near = /^(127\.|::1$)/.test(told)
    ? ', for peers on this machine only: set MEDIA_LISTEN_IP and MEDIA_ANNOUNCED_ADDRESS for others'
    : '';
  return `Media goes to ${told}, UDP and TCP ports ${rtcMinPort} to ${rtcMaxPort}, workers: ${workers}${near}`;
}

try {
  const config = takeMediaConfig();
  const app = createMediaApp(config, await loadEngine(config.library));
  tellOfCrash(app);
  const address = await app.listen();
  handleSignals(app);
  say(`Media Service  ${address}  (try ${address}/health)`);
  say(whereMediaGoes(config));
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  // Nothing that began may keep a process that serves nobody.
  process.exit(1);
}
