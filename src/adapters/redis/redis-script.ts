import { createHash } from 'node:crypto';
import type { RedisClient } from './redis-connection.js';

type Args = readonly (string | number)[];

/** A Lua script that Redis is sent once, and knows by its hash from then on. */
export class RedisScript {
  private readonly sha: string;

  constructor(private readonly lua: string) {
    this.sha = createHash('sha1').update(lua).digest('hex');
  }

  /**
   * Resolves to the texts and numbers of the answer, as texts. `keys` must share a slot. `args` is asked again when the
   * script must be sent: what was called meanwhile may have been carried out before it.
   */
  async run(
    client: RedisClient,
    keys: readonly string[],
    args: Args | (() => Args),
  ): Promise<readonly string[]> {
    const rest = () => [keys.length, ...keys, ...(typeof args === 'function' ? args() : args)] as const;
    try {
      return asTexts(await client.evalsha(this.sha, ...rest()));
    } catch (error) {
      // It was restarted, or it is another one.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return asTexts(await client.eval(this.lua, ...rest()));
    }
  }
}

function asTexts(answer: unknown): readonly string[] {
  if (!Array.isArray(answer)) throw new Error('a script answered nonsense');
  return answer.map(String);
}
