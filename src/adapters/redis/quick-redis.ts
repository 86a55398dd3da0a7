import type { Clock, Logger } from '../../ports/runtime.js';
import type { RedisConnection } from './redis-connection.js';
import type { RedisScript } from './redis-script.js';

/** Somebody waits for the answer, and there is another way to get one. */
const DEADLINE_MS = 250;
/** After a failure nobody waits for the next one so long. */
const REST_MS = 1000;

/** Redis for questions that must not wait: answered in a moment, or not at all. */
export class QuickRedis {
  private restsUntilMs = 0;
  private hasTold = false;

  constructor(
    private readonly redis: RedisConnection,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** What is logged when Redis answers and refuses. */
    private readonly refusal = 'limits_not_shared',
    /** What it is in figures. */
    private readonly operation = 'limit',
  ) {
    redis.onReconnect(() => {
      this.restsUntilMs = 0;
    });
  }

  /** `undefined` when Redis did not answer. It may have carried the script out all the same. Never rejects. */
  async ask(
    script: RedisScript,
    key: string,
    args: readonly (string | number)[],
  ): Promise<readonly string[] | undefined> {
    const restMs = this.restsUntilMs - this.clock.now();
    // More than that was never meant: the clock was set back.
    if (restMs > 0 && restMs <= REST_MS) return undefined;
    try {
      const answer = await soon(
        this.redis.attempt((client) => script.run(client, [key], args), this.operation),
      );
      this.hasTold = false;
      return answer;
    } catch (error) {
      this.restsUntilMs = this.clock.now() + REST_MS;
      this.tell(error);
      return undefined;
    }
  }

  /** An outage is told by the connection. That Redis answers and refuses, nobody else would say. */
  private tell(error: unknown): void {
    if (this.hasTold || !(error instanceof Error && error.name === 'ReplyError')) return;
    this.hasTold = true;
    this.logger.warn(this.refusal, { error });
  }
}

/** The answer, or an error when it does not come in time. */
async function soon<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // This process may have been busy itself: what has come meanwhile is read before that.
      setImmediate(() => {
        reject(new Error(`no answer within ${DEADLINE_MS} ms`));
      });
    }, DEADLINE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
