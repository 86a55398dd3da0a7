import type { MediaRefusalCode } from '../protocol/media-api.js';

const statuses: Readonly<Record<MediaRefusalCode, number>> = {
  INVALID: 400,
  FORBIDDEN: 401,
  NOT_FOUND: 404,
  NO_ROUTER: 409,
  FULL: 503,
  INTERNAL: 500,
};

/** A call that is answered with no. The text is for the caller: it never carries what the library or a worker said. */
export class MediaRefusal extends Error {
  readonly code: MediaRefusalCode;

  constructor(code: MediaRefusalCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'MediaRefusal';
    this.code = code;
  }

  get httpStatus(): number {
    return statuses[this.code];
  }
}

export function noRouter(): MediaRefusal {
  return new MediaRefusal('NO_ROUTER', 'The room has no router: ask for one with POST /routers.');
}

export function notFound(what: string): MediaRefusal {
  return new MediaRefusal('NOT_FOUND', `No such ${what} of this owner in this room.`);
}

interface Surroundings {
  readonly room: { readonly isOpen: boolean };
  /** What it hangs on: a transport, a producer, a consumer. */
  readonly on?: readonly { readonly closed: boolean }[];
  /** What is told when the library refuses. */
  readonly fault: readonly [MediaRefusalCode, string];
}

/**
 * Runs a call of the library and makes a refusal of what it throws: `TypeError`, `UnsupportedError` or a plain error for
 * what it or the worker does not like, `InvalidStateError` when the worker is gone. What was made while its
 * surroundings were closed went with them, whatever the answer says.
 */
export async function refusing<Made>(around: Surroundings, call: () => Promise<Made>): Promise<Made> {
  try {
    const made = await call();
    checkOpen(around);
    return made;
  } catch (error) {
    if (error instanceof MediaRefusal) throw error;
    checkOpen(around);
    if (error instanceof Error && /timeout/i.test(error.message)) {
      throw new MediaRefusal('INTERNAL', 'The worker did not answer.', { cause: error });
    }
    throw new MediaRefusal(...around.fault, { cause: error });
  }
}

function checkOpen({ room, on = [] }: Surroundings): void {
  if (!room.isOpen) throw noRouter();
  if (on.some(({ closed }) => closed)) throw notFound('transport, producer or consumer');
}
