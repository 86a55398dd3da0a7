/**
 * Redis's clock, as far as its answers tell. What is sent to Redis says until when it may be carried out: a Redis that
 * was stopped carries out later what was sent to it, and by then its sender has been told that it failed.
 */
export class RedisTime {
  private offsetMs: number | undefined;

  /** Redis said that it was `redisMs`, asked at `askedAtMs` of this process (`performance.now()`). */
  learn(redisMs: number, askedAtMs: number): void {
    this.offsetMs = redisMs - askedAtMs;
  }

  /** So many milliseconds from now, never too early but for a clock that was set; 0 while nothing is known. */
  deadline(ms: number): number {
    return this.offsetMs === undefined ? 0 : Math.ceil(performance.now() + this.offsetMs + ms);
  }
}
