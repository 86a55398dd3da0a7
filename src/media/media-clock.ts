/** What the service needs of time. Tests put a clock of their own here. */
export interface MediaClock {
  /** Calls `run` once after `ms`; the returned function calls it off. Does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
}

export const systemMediaClock: MediaClock = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Calls `run` every `ms` until the returned function is called. A run that comes late delays the next. */
export function every(clock: MediaClock, ms: number, run: () => void): () => void {
  let callOff = clock.after(ms, function again() {
    callOff = clock.after(ms, again);
    run();
  });
  return () => {
    callOff();
  };
}
