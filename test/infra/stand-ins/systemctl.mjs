import net from 'node:net';
import process from 'node:process';

const socket = net.connect('/run/systemd/private');
socket.write(`${JSON.stringify(process.argv.slice(2))}\n`);
let text = '';
socket.on('data', (part) => (text += part));
socket.on('end', () => {
  const { code, output } = JSON.parse(text);
  process.stdout.write(output);
  process.exitCode = code;
});
