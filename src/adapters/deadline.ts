/**
 * Runs a vendor's call that must settle within `ms` (D14). The signal asks the vendor's client to stop; the race is
 * there because such clients look at the signal only between some of their steps (not while they look for
 * credentials or back off). Rejects with what the call rejects with, or with an `Error` that names the time.
 */
export async function withinDeadline<Result>(
  ms: number,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stopper = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${String(ms)} ms`);
      reject(error);
      stopper.abort(error);
    }, ms);
  });
  try {
    return await Promise.race([call(stopper.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
