// The AWS CLI: its words go to the machine's cloud.
import process from 'node:process';

const response = await fetch('http://169.254.169.254/aws', {
  method: 'POST',
  body: JSON.stringify({ words: process.argv.slice(2), region: process.env.AWS_DEFAULT_REGION }),
});
const text = await response.text();
if (response.ok) process.stdout.write(text);
else process.stderr.write(`${text}\n`);
process.exitCode = response.ok ? 0 : 254;
