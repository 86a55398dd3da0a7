/** The kinds of values that settings have. */
import { z } from 'zod';
import { Secret } from './protocol/secret.js';

export function asSecret(value: string): Secret {
  return new Secret(value);
}

/** Node's timers hold no more. */
export const maxTimerMs = 2_147_483_647;

export function whole(least: number, most = Number.MAX_SAFE_INTEGER): z.ZodType<number, string> {
  const text =
    `must be a whole number from ${least}` + (most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`);
  return z
    .string()
    .regex(/^\d{1,15}$/, text)
    .transform(Number)
    .refine((value) => value >= least && value <= most, text);
}

export const port = whole(0, 65_535);
export const milliseconds = whole(1, maxTimerMs);
export const flag = z.enum(['0', '1']).transform((value) => value === '1');
export const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.length > 0),
);
/** A PEM may come on one line, with `\n` for its line ends, as env files have it. */
export function pem(
  read: (text: string) => unknown,
  what: string,
): z.ZodType<string | undefined, string | undefined> {
  return z
    .string()
    .transform((text) => text.replaceAll('\\n', '\n'))
    .refine((text) => {
      try {
        read(text);
        return true;
      } catch {
        // What the parser says names no setting, and may quote the key.
        return false;
      }
    }, `must be ${what} as PEM`)
    .optional();
}
/** As browsers spell an origin, so that it can be compared. */
export const origin = z.union([
  z.literal('*'),
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && new URL(text).origin !== 'null',
      'must be origins such as https://host:port, or *',
    )
    .transform((text) => new URL(text).origin),
]);
/** RFC 7064 and RFC 7065, a list of them. */
function addresses(pattern: RegExp, example: string): z.ZodType<string[], string> {
  const text = `must be addresses such as ${example}, separated by commas`;
  return list.refine((items) => items.every((item) => pattern.test(item)), text);
}
export const stunAddresses = addresses(
  /^stuns?:(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i,
  'stun:stun.example.org:3478',
);
export const turnAddresses = addresses(
  /^turns?:(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?(\?transport=(udp|tcp))?$/i,
  'turn:relay.example.org:3478?transport=udp',
);
/** Where a service of ours answers, without a slash at the end. */
export const httpAddress = z
  .url({ protocol: /^https?$/, error: 'must be an address such as http://host:port' })
  .refine(
    (text) => !URL.canParse(text) || new URL(text).username === '',
    'must carry no login: it is shown in logs',
  )
  .transform((text) => text.replace(/(?<!\/)\/+$/, ''));
/** An empty variable is one that is not set: that is what `docker run -e NAME=` means by it. */
export const optional = z.string().min(1).optional();
/** `key=value,key=value`, percent-encoded (OpenTelemetry's resource SDK). What is wrong is not repeated. */
export const resourceAttributes = list.transform((items, context): Readonly<Record<string, string>> => {
  try {
    return Object.fromEntries(
      items.map((item) => {
        const [, key, value] = /^([^=]+)=([^=]*)$/.exec(item) ?? [];
        if (key === undefined || value === undefined) throw new URIError('no pair');
        return [decodeURIComponent(key.trim()), decodeURIComponent(value.trim())];
      }),
    );
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'must be a list such as key=value,key=value, percent-encoded',
    });
    return z.NEVER;
  }
});
/** A key that a machine shows another in a header, which carries nothing else: long enough that nobody guesses it. */
export const sharedKey = z
  .string()
  .min(16, 'must have at least 16 characters')
  .regex(/^[!-~][ -~]*[!-~]$/, 'must be ASCII in one line, without spaces around it: headers carry it')
  .transform(asSecret)
  .optional();
