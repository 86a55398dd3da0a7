import type { DialectName } from '../../../dialects/doors.js';
import type { MethodRoute } from '../method-routes.js';
import type { Reply } from '../reply.js';
import { asyncApi } from './asyncapi.js';
import { openApi } from './openapi.js';

/** `routes`: all that there are, these included; they are looked at when somebody asks. */
export function documentRoutes(
  routes: readonly MethodRoute[],
  dialects: readonly DialectName[],
  version: string,
): readonly MethodRoute[] {
  return [
    { path: '/openapi.json', method: 'GET', answer: once(() => openApi(routes, version)) },
    { path: '/asyncapi.json', method: 'GET', answer: once(() => asyncApi(dialects, version)) },
  ];
}

/** They do not change while the process lives. */
function once(make: () => object): () => Reply {
  let text: string | undefined;
  return () => {
    text ??= JSON.stringify(make());
    return {
      status: 200,
      contentType: 'application/json',
      text,
      headers: { 'cache-control': 'no-cache' },
    };
  };
}
