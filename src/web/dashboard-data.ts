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

/** Rejects with `Locked`, or when the server does not answer. No cookie goes along: the token alone says who asks. */
export async function readDashboard(token: string | null): Promise<DashboardData> {
  const response = await fetch('dashboard/data', {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    credentials: 'omit',
    cache: 'no-store',
  });
  if (response.ok) return (await response.json()) as DashboardData;
  if (response.status !== 401 && response.status !== 403)
    throw new Error(`the server says ${response.status}`);
  const { detail } = (await response.json()) as { readonly detail?: unknown };
  throw new Locked(
    typeof detail === 'string' ? detail : 'This is for the operator.',
    response.status === 401,
  );
}
