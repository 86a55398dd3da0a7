import type { Request } from 'express';
import type { Reply } from './reply.js';

/** One path and its one method. `answer` may reject; the server then says 500 and logs. */
export interface Route {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly answer: (request: Request) => Promise<Reply> | Reply;
}
