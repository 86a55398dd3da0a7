// The first process of the throwaway machine: what belongs to AWS and to systemd, and the test's hands in here.
// Lines of JSON by stdin: {id, run: [program, ...]}, {id, cloud: {...}} or {id, called: words of an `aws` command}; answers
// by stdout.
import { spawn } from 'node:child_process';
import net from 'node:net';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Cloud } from './cloud.mjs';
import { Systemd } from './systemd.mjs';

const cloud = new Cloud();
const systemd = new Systemd();
await cloud.listen();
await systemd.listen();

// From the test's network into this one: a socket file, and the port in its first line.
net
  .createServer({ allowHalfOpen: true }, (outside) => {
    outside.once('data', (first) => {
      const end = first.indexOf('\n');
      const inside = net.connect({ host: '127.0.0.1', port: Number(first.subarray(0, end)) });
      const rest = first.subarray(end + 1);
      if (rest.length > 0) inside.write(rest);
      outside.pipe(inside).pipe(outside);
      inside.on('error', () => outside.destroy());
      outside.on('error', () => inside.destroy());
    });
  })
  .listen('/opt/door');

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('close', (code) => resolve({ code, output }));
  });
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const { id, run: command, cloud: change, called } = JSON.parse(line);
  const answer =
    command !== undefined ? run(command) : called !== undefined ? cloud.called(called) : cloud.change(change);
  void Promise.resolve(answer).then((value) => process.stdout.write(`${JSON.stringify({ id, value })}\n`));
});
lines.on('close', () => process.exit(0));
process.stdout.write('"ready"\n');
