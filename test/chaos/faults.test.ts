/** What `npm run faults` counts, in its short form. Times are its own business. */
import { beforeAll, expect, test } from '@jest/globals';
import { nothingWrong, runScript, type Counts, type Outcome } from './chaos-command.js';

interface Row {
  readonly row: number;
  readonly counts: Counts;
  readonly wrong: readonly string[];
}

const rows = [
  { row: 1, what: 'a cut socket that is back on the same node a second later' },
  { row: 2, what: 'a cut socket that is back on the other node a second later' },
  { row: 3, what: 'a node that is killed, its clients back at once on the other' },
  { row: 4, what: 'a Redis that is killed and comes back empty' },
  { row: 5, what: 'a Redis that stands still for three seconds' },
  { row: 6, what: 'a node that is told to end' },
  { row: 7, what: 'a member that does not read' },
  { row: 8, what: 'a node that dies with its clients' },
  { row: 9, what: 'an identity that comes again while its old socket hangs' },
  { row: 10, what: 'a Redis that is away for long' },
  { row: 11, what: 'nodes that are restarted one after the other' },
];
let outcome: Outcome<Row>;

beforeAll(async () => {
  const args = ['--short', '--pairs', '4', '--rate', '20', '--at-once', '3'];
  outcome = await runScript<Row>('faults.mjs', args);
}, 600_000);

test.each(rows)('row $row: $what costs no message, no order and no seat', ({ row }) => {
  const found = outcome.results.find((one) => one.row === row);
  if (found === undefined) throw new Error(`no result:\n${outcome.output}`);
  expect(found.wrong).toEqual([]);
  expect(found.counts).toMatchObject(nothingWrong);
  expect(found.counts.delivered).toBe(found.counts.sent);
});
