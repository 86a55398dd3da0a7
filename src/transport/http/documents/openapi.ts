/** The HTTP routes as OpenAPI 3.1 says such things: those that are served, in the order of their tables. */
import { z } from 'zod';
import type { MethodRoute } from '../method-routes.js';
import { jsonSchema } from './json-schema.js';
import { operations, type Operation } from './operations.js';

const proofs: Readonly<Record<NonNullable<Operation['proof']>, readonly object[]>> = {
  user: [{ user: [] }, { cookie: [] }],
  'user, if any': [{ user: [] }, { cookie: [] }, {}],
  header: [{ user: [] }],
  'header, if any': [{ user: [] }, {}],
  operator: [{ operator: [] }, {}],
  service: [{ service: [] }],
};

export function openApi(routes: readonly MethodRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { path, method } of routes) {
    const operation = operations[`${method} ${path}`];
    if (operation === undefined) continue;
    const address = path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[address] ??= {})[method.toLowerCase()] = written(operation, path);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Signaling: HTTP',
      version,
      description:
        'A known path with another method is answered 405 with allow (HEAD is answered as GET is), a slash too many 307, anything else 404 {"detail": "Not Found"}. What fails as nobody expected is 500.',
    },
    // Relative to where this document was found.
    servers: [{ url: '.' }],
    paths,
    components: {
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An identity token' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'access_token',
          description: 'The same; not for /create-room and deletions, and not from foreign origins',
        },
        operator: {
          type: 'http',
          scheme: 'bearer',
          description: 'ADMIN_TOKEN; the networks in OPERATOR_NETWORKS need none',
        },
        service: { type: 'apiKey', in: 'header', name: 'X-Internal-Service-Key' },
      },
    },
  };
}

function written({ summary, proof, query, body, needsBody, answers }: Operation, path: string): object {
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
      name,
      in: 'query',
      ...described(jsonSchema(schema as z.ZodType)),
    })),
  ];
  return {
    summary,
    ...(proof === undefined ? {} : { security: proofs[proof] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            ...(needsBody && { required: true }),
            content: { 'application/json': { schema: jsonSchema(body) } },
          },
        }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, [description, ...shapes]]) => [
        status,
        { description, ...(shapes.length === 0 ? {} : { content: Object.fromEntries(shapes.map(content)) }) },
      ]),
    ),
  };
}

/** A parameter is described where readers look for it, beside its schema. */
function described({ description, ...schema }: { readonly description?: string }): object {
  return { ...(description !== undefined && { description }), schema };
}

function content(shape: z.ZodType | string): readonly [type: string, media: object] {
  return typeof shape === 'string' ? [shape, {}] : ['application/json', { schema: jsonSchema(shape) }];
}
