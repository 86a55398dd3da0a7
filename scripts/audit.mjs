// `npm run audit`: known vulnerabilities of what production installs, as the registry tells them.
// `--if-possible`: a registry that cannot say is no failure. `--allowed FILE`: another list of exceptions.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { root } from './install.mjs';

/** What is worth stopping for. */
const grave = ['high', 'critical'];
/** How npm says that nobody was reached. */
const unreached =
  /ECONN(REFUSED|RESET|ABORTED)|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT|E(HOST|NET)UNREACH|_CERT/;

const { values } = parseArgs({
  options: {
    'if-possible': { type: 'boolean', default: false },
    allowed: { type: 'string', default: path.join(root, 'scripts', 'audit-allowed.json') },
  },
});

function end(code, line) {
  console.log(`audit: ${line}`);
  process.exit(code);
}

/** Exceptions that hold today: advisory -> reason. `{"id": "GHSA-…", "reason": "…", "until": "YYYY-MM-DD"}`, a list of them. */
function readAllowed(file) {
  const today = new Date().toISOString().slice(0, 10);
  const allowed = new Map();
  for (const { id, reason, until } of JSON.parse(readFileSync(file, 'utf8'))) {
    const isWhole =
      /^GHSA(-\w{4}){3}$/.test(id) && /\S/.test(reason ?? '') && /^\d{4}-\d\d-\d\d$/.test(until);
    if (!isWhole) end(1, `an exception needs id, reason and until: ${JSON.stringify({ id, reason, until })}`);
    if (until < today) console.log(`audit: the exception for ${id} ended on ${until}`);
    else allowed.set(id, reason);
  }
  return allowed;
}

/** The advisories themselves, each once; what only depends on a vulnerable package is left out. */
function advisoriesOf({ vulnerabilities }) {
  const found = new Map();
  for (const { name, via } of Object.values(vulnerabilities)) {
    for (const advisory of via) {
      if (typeof advisory === 'string') continue;
      const id = path.posix.basename(new URL(advisory.url).pathname);
      found.set(id, { id, name, severity: advisory.severity, title: advisory.title, url: advisory.url });
    }
  }
  return [...found.values()];
}

const allowed = readAllowed(values.allowed);
// npm keeps what it once made of an advisory, also when that has become graver since.
const cache = mkdtempSync(path.join(os.tmpdir(), 'audit-cache-'));
const { stdout, error } = spawnSync(
  'npm',
  ['audit', '--json', '--omit=dev', '--fetch-retries=0', '--fetch-timeout=20000', '--cache', cache],
  { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
);
rmSync(cache, { recursive: true, force: true });
if (error) end(1, `npm could not be started: ${error.message}`);
let report;
try {
  report = JSON.parse(stdout);
} catch {
  end(1, 'npm did not answer in JSON');
}
if (typeof report.vulnerabilities !== 'object') {
  const status = report.statusCode ?? Number(/^(\d{3}) /.exec(report.message ?? '')?.[1]);
  // A mirror that has no such service refuses to answer; one that fails would have.
  const cannotSay = (status >= 400 && status < 500) || status === 501 || unreached.test(stdout);
  const why = report.message ?? report.error?.summary ?? 'no reason given';
  if (!cannotSay) end(1, `the registry failed: ${why}`);
  const verdict = 'NOT CHECKED: the registry has no audit endpoint, or cannot be reached';
  end(values['if-possible'] ? 0 : 1, `${verdict} (${String(why).split(' - ')[0]})`);
}
const advisories = advisoriesOf(report);
const refused = [];
for (const { id, name, severity, title, url } of advisories) {
  const reason = allowed.get(id);
  const isRefused = grave.includes(severity) && reason === undefined;
  if (isRefused) refused.push(id);
  const verdict = isRefused ? 'REFUSED' : (reason ?? 'not grave');
  console.log(`audit: ${severity} ${name}: ${title} (${url}): ${verdict}`);
}
if (refused.length > 0)
  end(1, `${refused.length} of ${advisories.length} known vulnerabilities must be dealt with`);
end(0, `${advisories.length} known vulnerabilities, none of them grave and new`);
