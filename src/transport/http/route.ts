import type { MethodRoute } from './method-routes.js';

/** One path and its one method. */
export interface Route extends MethodRoute {
  readonly method: 'GET' | 'POST';
}
