/** The documents of this server, for people: `openapi.json` and `asyncapi.json`, drawn. */
import { element, make } from './elements.js';

interface Shape {
  readonly schema?: unknown;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Shape>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Shape>> }>
  >;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Reference {
  readonly $ref: string;
}

interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly title: string; readonly description: string }>
  >;
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly action: 'send' | 'receive';
        readonly channel: Reference;
        readonly messages: readonly Reference[];
      }
    >
  >;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly name: string; readonly summary: string; readonly payload: unknown }>
    >;
  };
}

async function read<Document>(path: string): Promise<Document> {
  const response = await fetch(path, { credentials: 'omit' });
  if (!response.ok) throw new Error(`${path}: the server says ${response.status}`);
  return (await response.json()) as Document;
}

/** One that opens: what it is about, and the rest. */
function entry(way: string, name: string, about: string, rest: readonly Node[]): HTMLElement {
  const details = make('details');
  const summary = make('summary');
  summary.append(make('span', way, 'way'), ' ', make('code', name), ` ${about}`);
  details.append(summary, ...rest);
  details.dataset['words'] = `${way} ${name} ${about}`.toLowerCase();
  return details;
}

function shape(title: string, schema: unknown): readonly Node[] {
  return [make('h4', title), make('pre', JSON.stringify(schema, undefined, 2))];
}

function operation(path: string, method: string, op: Operation): HTMLElement {
  const parameters = (op.parameters ?? []).map(({ name, in: place, description = '' }) =>
    make('li', `${name} (${place}) ${description}`),
  );
  const list = make('ul');
  list.append(...parameters);
  const answers = Object.entries(op.responses).flatMap(([status, { description, content = {} }]) => [
    make('h4', `${status}: ${description}`),
    ...Object.entries(content).map(([type, { schema }]) =>
      make('pre', schema === undefined ? type : JSON.stringify(schema, undefined, 2)),
    ),
  ]);
  return entry(method.toUpperCase(), path, op.summary ?? '', [
    ...(op.description === undefined ? [] : [make('p', op.description)]),
    ...(parameters.length === 0 ? [] : [list]),
    ...Object.values(op.requestBody?.content ?? {}).flatMap(({ schema }) => shape('Body', schema)),
    ...answers,
  ]);
}

function last({ $ref }: Reference): string {
  return $ref.slice($ref.lastIndexOf('/') + 1);
}

function channels({ channels: all, operations, components }: AsyncApi): readonly Node[] {
  return Object.entries(all).flatMap(([id, { address, title, description }]) => {
    const messages = Object.values(operations)
      .filter(({ channel }) => last(channel) === id)
      .flatMap(({ action, messages: references }) =>
        references.map((reference) => {
          // The channel names a message as the components do.
          const message = components.messages[last(reference)];
          const way = action === 'receive' ? 'you send' : 'you get';
          return entry(way, message?.name ?? '', message?.summary ?? '', shape('Frame', message?.payload));
        }),
      );
    return [make('h3', `${title}: ${address}`), make('p', description, 'soft'), ...messages];
  });
}

async function show(): Promise<void> {
  const [openApi, asyncApi] = await Promise.all([
    read<OpenApi>('openapi.json'),
    read<AsyncApi>('asyncapi.json'),
  ]);
  element('operations', HTMLElement).append(
    ...Object.entries(openApi.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, op]) => operation(path, method, op)),
    ),
  );
  element('channels', HTMLElement).append(...channels(asyncApi));
}

const filter = element('filter', HTMLInputElement);
filter.oninput = () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const one of document.querySelectorAll('details')) {
    one.hidden = !(one.dataset['words'] ?? '').includes(wanted);
  }
};
show().catch((error: unknown) => {
  element('trouble', HTMLElement).textContent = error instanceof Error ? error.message : String(error);
});
