/** What the server answers to `GET /dashboard/data`. */
export interface DashboardData {
  readonly at_ms: number;
  readonly not_ready: readonly string[];
  readonly decisions: readonly string[];
  readonly rooms: readonly {
    readonly room_id: string;
    readonly mode: string;
    readonly peers_here: number;
    readonly peers_elsewhere: number;
  }[];
  readonly metrics: string;
}

/** `needsToken`: the server wants `ADMIN_TOKEN`, or another one. */
export class Locked extends Error {
  override readonly name = 'Locked';
  readonly needsToken: boolean;

  constructor(text: string, needsToken: boolean) {
    super(text);
    this.needsToken = needsToken;
  }
}

/** There are no figures now; the text says why, and there may be some the next time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A server that says nothing for so long does not answer: what is shown must not be taken for the present. */
const patienceMs = 5_000;
/** What can stand in a header (RFC 9110 section 5.5), as far as tokens go. */
const sendable = /^[\x21-\x7e]+(?: +[\x21-\x7e]+)*$/;

/** Rejects with `Locked` or `NoAnswer`. No cookie goes along: the token alone says who asks. */
export async function readDashboard(token: string | null): Promise<DashboardData> {
  if (token !== null && !sendable.test(token))
    throw new Locked('This is not ADMIN_TOKEN: browsers can send ASCII only', true);
  const { status, body } = await ask(token);
  if (status === 200) return body as DashboardData;
  if (status !== 401 && status !== 403) throw new NoAnswer(`the server says ${status}`);
  const { detail } = body as { readonly detail?: unknown };
  throw new Locked(typeof detail === 'string' ? detail : `The answer is ${status}`, status === 401);
}

async function ask(token: string | null): Promise<{ readonly status: number; readonly body: object }> {
  try {
    const response = await fetch('dashboard/data', {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(patienceMs),
    });
    const { status } = response;
    // What stands before the server refuses in words of its own.
    const body = response.ok ? response.json() : response.json().catch(() => ({}));
    return { status, body: (await body) as object };
  } catch (error) {
    const text =
      error instanceof SyntaxError ? 'what answers is not the server' : 'the server does not answer';
    throw new NoAnswer(text, { cause: error });
  }
}
