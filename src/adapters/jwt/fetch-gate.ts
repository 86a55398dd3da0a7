import type { PenaltyBox } from 'aws-jwt-verify/jwk';

/**
 * Spaces the fetches that unknown `kid`s cause. aws-jwt-verify's own penalty box refuses every unknown key for 10 s
 * after one; a stranger with made-up `kid`s could so lock out the users of a key that has just been rotated in. Here
 * the next look waits a moment instead, and all that wait share one fetch.
 */
export class FetchGate implements PenaltyBox {
  private opening: Promise<void> | undefined;

  constructor(private readonly gapMs: number) {}

  async wait(): Promise<void> {
    await this.opening;
  }

  registerFailedAttempt(): void {
    this.opening ??= new Promise((open) => {
      setTimeout(() => {
        this.opening = undefined;
        open();
      }, this.gapMs).unref();
    });
  }

  registerSuccessfulAttempt(): void {
    // The keys are there now; a gate that is closed opens by itself.
  }
}
