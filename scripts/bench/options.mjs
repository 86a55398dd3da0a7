import { resolve } from 'node:path';

/** What all benchmarks take, for `parseArgs`. */
export const commonOptions = {
  rounds: { type: 'string', default: '40' },
  'phase-ms': { type: 'string', default: '100' },
  pairs: { type: 'string', default: '32' },
  'in-flight': { type: 'string', default: '8,1' },
  server: { type: 'string', multiple: true, default: [] },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
};

export const commonHelp = `\
  --rounds N           rounds of four phases for each workload (40)
  --phase-ms N         length of a phase (100)
  --pairs N            pairs of peers that exchange messages (32)
  --in-flight A,B      messages under way in each pair, one workload for each number (8,1)
  --json FILE          write the figures there too
  --help               this text
`;

/** @param {Record<string, unknown>} values of `commonOptions`, as `parseArgs` gives them */
export function readCommon(values) {
  return {
    rounds: whole('rounds', values.rounds, 10_000),
    phaseMs: whole('phase-ms', values['phase-ms'], 60_000),
    pairs: whole('pairs', values.pairs, 5_000),
    inFlight: values['in-flight'].split(',').map((text) => whole('in-flight', text, 1_000)),
    servers: values.server.map(readServer),
    json: values.json,
    help: values.help,
  };
}

function whole(name, text, most) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, not "${text}"`);
}

function readServer(text) {
  const [, name, script] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (script === undefined) throw new Error(`--server must be NAME=FILE, not "${text}"`);
  return { name, script: resolve(script) };
}
