import type { Clock } from '../../ports/runtime.js';

/** Calls `run` after so many turns of the event loop, which are short when there is little to do. */
export function afterTurns(clock: Clock, turns: number, run: () => void): void {
  clock.soon(() => {
    if (turns > 1) afterTurns(clock, turns - 1, run);
    else run();
  });
}
