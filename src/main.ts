/** The process: settings in, signals handled, exit code out. */
import process from 'node:process';
import { createApp, type App } from './app.js';
import { ConfigError, loadConfig } from './config.js';

// A full disk, or a reader that is gone, is no reason to end.
process.stdout.on('error', () => undefined);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}. Another server holds the port: stop it, or set HTTP_PORT and WS_PORT.`;
  }
  return error.stack ?? error.message;
}

/** Node ends the process, and says why in lines that no alarm reads. */
function tellOfCrash(app: App): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    app.crashed(error);
  });
}

function handleSignals(app: App, auditLog: string): void {
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
  // Only where there is a file: otherwise a terminal that closes still ends the server.
  if (auditLog !== 'stdout' && auditLog !== 'none') {
    process.on('SIGHUP', () => {
      app.reopenLogs();
    });
  }
}

try {
  const config = loadConfig();
  const app = await createApp(config);
  tellOfCrash(app);
  await app.listen();
  handleSignals(app, config.auditLog);
  say(`HTTP       ${app.addresses.http}  (try ${app.addresses.http}/health)`);
  say(`WebSocket  ${app.addresses.ws}`);
  for (const { name, url } of app.pages) say(`${name.padEnd(10)} ${url}`);
  for (const decision of app.decisions) say(decision);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
}
