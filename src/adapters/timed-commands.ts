import type { SpanName, Telemetry } from '../ports/telemetry.js';

/** What of an AWS client is needed to see each of its commands. */
interface CommandStack {
  add(
    middleware: (
      next: (args: never) => Promise<unknown>,
      context: { readonly commandName?: string },
    ) => (args: never) => Promise<unknown>,
    options: { readonly step: 'initialize'; readonly priority: 'high'; readonly name: string },
  ): void;
}

/**
 * Times every command of an AWS client, with all its attempts, as `GetItem` and the like. `answers`: names of errors by
 * which the service says no as it should.
 */
export function timeCommands(
  stack: object,
  telemetry: Telemetry,
  service: SpanName,
  answers: ReadonlySet<string>,
): void {
  const typed = stack as CommandStack;
  typed.add(
    (next, { commandName = 'other' }) =>
      async (args) => {
        const { answer, no } = await telemetry.timed(
          service,
          commandName.replace(/Command$/, ''),
          async () => {
            try {
              return { answer: await next(args), no: undefined };
            } catch (error) {
              if (error instanceof Error && answers.has(error.name)) return { answer: undefined, no: error };
              throw error;
            }
          },
        );
        if (no !== undefined) throw no;
        return answer;
      },
    { step: 'initialize', priority: 'high', name: 'timeCommands' },
  );
}
