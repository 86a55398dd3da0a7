import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { runClient } from './client.js';
import { asClientError } from './client-error.js';
import type { PeerOptions } from './peer-options.js';
import { Terminal } from './terminal.js';
import { runWorker } from './worker.js';

interface CommonFlags {
  readonly http: string;
  readonly ws: string;
  readonly send: readonly string[];
  readonly out: string;
  readonly stun: readonly string[];
  readonly timeout: number;
}

interface WorkerFlags extends CommonFlags {
  readonly once: boolean;
}

interface ClientFlags extends CommonFlags {
  readonly session: string;
  readonly expect?: number;
}

const usageExitCode = 2;

const exitCodeHelp = `
Exit codes:
  0    done (a worker: stopped by Ctrl-C)
  1    unexpected failure
  2    wrong usage, no session string, or the WebRTC engine is missing
  3    the server cannot be reached or failed
  4    the server refused: room not found or expired, wrong token, room full
  5    the other peer does not answer, or no direct connection came about
  6    the transfer was cut short, or a size or SHA-256 differs
  7    a file cannot be read or written
  130  interrupted (Ctrl-C)`;

const examples = `
Examples:
  $ node dist/client.mjs worker --out received
  signal-session:eyJy…
  $ node dist/client.mjs client --session signal-session:eyJy… --send clip.mp4

  A worker that answers with a file, a client that fetches it:
  $ node dist/client.mjs worker --send result.h5 --once
  $ node dist/client.mjs client --session … --send job.zip --out results

The other end may also be a Python peer (aiortc); its "sleap-session:" strings are taken too.`;

const program = new Command('client')
  .description(
    'Moves files between two peers over a WebRTC data channel, introduced by the signaling server.',
  )
  .addHelpText('after', `${examples}\n${exitCodeHelp}`)
  .exitOverride();

withCommonOptions(
  program
    .command('worker')
    .description(
      'Open a room, print its session string on stdout, then receive files from the clients that come, and send\n' +
        'them those of --send. Serves clients until it is stopped with Ctrl-C.',
    ),
)
  .option('--once', 'end after the first client', false)
  .addHelpText('after', exitCodeHelp)
  .action(async (flags: WorkerFlags) => {
    await play((terminal, stop) => runWorker({ ...peerOptions(flags), once: flags.once }, terminal, stop));
  });

withCommonOptions(
  program
    .command('client')
    .description(
      'Connect to the worker that printed the session string, send it the files of --send, receive its files,\n' +
        'print one line for each (name, size, SHA-256, duration), and clean up.',
    )
    .requiredOption('--session <string>', 'what the worker printed'),
)
  .option(
    '--expect <n>',
    'how many files to wait for (default: as many as the worker announces; Python workers announce none)',
    count,
  )
  .addHelpText('after', exitCodeHelp)
  .action(async (flags: ClientFlags) => {
    const options = { ...peerOptions(flags), session: flags.session, expect: flags.expect };
    await play((terminal, stop) => runClient(options, terminal, stop));
  });

function withCommonOptions(command: Command): Command {
  return command
    .option('--http <url>', "the signaling server's HTTP address", address('http'), 'http://127.0.0.1:8001')
    .option('--ws <url>', "the signaling server's WebSocket address", address('ws'), 'ws://127.0.0.1:8080')
    .addOption(new Option('--send <file...>', 'files to send').default([], 'none'))
    .option('--out <folder>', 'where received files go; nothing there is overwritten', 'received')
    .addOption(new Option('--stun <url...>', 'STUN servers, for instance stun:host:3478').default([], 'none'))
    .option('--timeout <seconds>', 'how long to wait for the server and for the other peer', seconds, 30);
}

const peerOptions = (flags: CommonFlags): PeerOptions => ({
  httpUrl: flags.http,
  wsUrl: flags.ws,
  send: flags.send,
  outFolder: flags.out,
  stunUrls: flags.stun,
  timeoutMs: flags.timeout * 1_000,
});

/** An address of that scheme or its secure form. */
function address(scheme: 'http' | 'ws'): (text: string) => string {
  return (text) => {
    const isGood = URL.canParse(text) && [`${scheme}:`, `${scheme}s:`].includes(new URL(text).protocol);
    if (!isGood) throw new InvalidArgumentError(`an address like ${scheme}://host:port, please.`);
    return text;
  };
}

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number, please.');
  return Number(text);
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400))
    throw new InvalidArgumentError('a number of seconds up to 86400, please.');
  return value;
}

/** Runs one role; the first signal asks it to clean up, a second one ends the process at once. */
async function play(role: (terminal: Terminal, stop: AbortSignal) => Promise<void>): Promise<void> {
  const terminal = new Terminal();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      terminal.note('stopping');
      stop.abort();
    });
  }
  try {
    await role(terminal, stop.signal);
  } catch (error) {
    const failure = asClientError(error);
    terminal.close();
    terminal.note(`error: ${failure.line}`);
    process.exitCode = failure.exitCode;
  } finally {
    terminal.close();
  }
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed the help or the mistake already.
  process.exitCode = error.exitCode === 0 ? 0 : usageExitCode;
}
