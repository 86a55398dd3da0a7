/** Several methods on one path: which route answers, and what `allow` says when none does. */
import type { Request } from 'express';
import type { RateRule } from '../../ports/rate-limiter.js';
import type { Reply } from './reply.js';

/** One method of one path. `Route` is one. */
export interface MethodRoute {
  /** As Express reads it: `:name` is a part of the path that has a value. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** May reject; the server then says 500 and logs. */
  readonly answer: (request: Request) => Promise<Reply> | Reply;
  /** By address; whoever asks more often is told when to come back, in FastAPI's shape. */
  readonly limit?: RateRule;
}

/** All routes of one path. */
export interface PathRoutes {
  readonly path: string;
  /** No part of it is a value: an address with slashes behind it means this path. */
  readonly isLiteral: boolean;
  /** Its methods, for `allow` and for preflights. */
  readonly methods: string;
  /** HEAD is answered as GET is. */
  readonly routeFor: (method: string) => MethodRoute | undefined;
}

/** In the order in which the paths first come. */
export function byPath(routes: readonly MethodRoute[]): readonly PathRoutes[] {
  return [...new Set(routes.map(({ path }) => path))].map((path) => {
    const byMethod = new Map<string, MethodRoute>(
      routes.filter((route) => route.path === path).map((route) => [route.method, route]),
    );
    return {
      path,
      isLiteral: !path.includes(':'),
      methods: [...byMethod.keys()].join(', '),
      routeFor: (method) => byMethod.get(method === 'HEAD' ? 'GET' : method),
    };
  });
}
