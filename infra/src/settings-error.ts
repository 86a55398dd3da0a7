import type { z } from 'zod';

/** What is wrong with an environment's settings, all of it at once, a line each that begins with the field's name. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
  }
}

type Issue = z.core.$ZodIssue;

/** What zod says of a value, a line each, as settings are called. */
export function linesOf(issue: Issue, above: readonly PropertyKey[] = []): string[] {
  const path = [...above, ...issue.path];
  // Of two forms that a value may have, the one it comes nearest to is the one that was meant.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [nearest = []] = [...issue.errors].sort((one, other) => strangers(one) - strangers(other));
    return nearest.flatMap((inner) => linesOf(inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${[...path, key].join('.')} is no setting`);
  }
  const name = path.length === 0 ? 'settings' : path.join('.');
  const isMissing =
    issue.code === 'invalid_type' && issue.input === undefined && !issue.message.startsWith('must');
  return [`${name} ${isMissing ? 'is missing' : issue.message}`];
}

function strangers(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
}
