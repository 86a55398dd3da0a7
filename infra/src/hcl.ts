/**
 * A stack in Terraform's own language. What is applied is the JSON; this is for reading, for `terraform fmt`, and for whoever leaves CDKTF one day:
 * the names of all resources are the same, so that the state stays. CDKTF's own renderer does not escape the quotes of policies, nor lines of scripts.
 */
import { spawnSync } from 'node:child_process';
import {
  DefaultTokenResolver,
  StringConcat,
  TerraformElement,
  type TerraformStack,
  Tokenization,
} from './terraform.js';

/** CDKTF says of each argument what it is. */
interface Argument {
  readonly value: unknown;
  readonly isBlock?: boolean;
  readonly is_block?: boolean;
}
type Body = Readonly<Record<string, unknown>>;
type Fragment = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Body>>>>>>;

/** Throws an `Error` that says what to install where there is no `terraform`. */
export function toHcl(stack: TerraformStack): string {
  const options = { scope: stack, resolver: new DefaultTokenResolver(new StringConcat()), preparing: false };
  const elements = stack.node
    .findAll()
    .filter((one) => one !== stack && TerraformElement.isTerraformElement(one));
  const fragments = elements.map((one) => Tokenization.resolve(one.toHclTerraform(), options) as Fragment);
  const { terraform } = stack.toTerraform() as { readonly terraform: Body };
  return format([head(terraform), ...fragments.flatMap(blocksOf)].join('\n'));
}

function format(text: string): string {
  const { status, stdout, stderr, error } = spawnSync('terraform', ['fmt', '-no-color', '-'], {
    input: text,
    encoding: 'utf8',
  });
  if (error) throw new Error(`terraform is missing, 1.10 or newer: ${error.message}`);
  if (status !== 0) throw new Error(`terraform fmt does not take what was written:\n${stderr}`);
  return stdout;
}

function head({ required_version: version, required_providers: providers, backend }: Body): string {
  const [[kind, place] = ['local', {}]] = Object.entries(backend as Record<string, Body>);
  return [
    'terraform {',
    `required_version = ${expression(version)}`,
    `required_providers ${expression(providers)}`,
    `backend "${kind}" ${expression(place)}`,
    '}\n',
  ].join('\n');
}

function blocksOf({ provider, resource, data, output, locals }: Fragment): string[] {
  const named = (what: string, all: Fragment[string] = {}): string[] =>
    Object.entries(all).flatMap(([type, ones]) =>
      Object.entries(ones).map(([name, one]) => `${what} "${type}" "${name}" {\n${body(one)}}\n`),
    );
  const providers = Object.entries(provider ?? {}).flatMap(([name, ones]) =>
    Object.values(ones).map((one) => `provider "${name}" {\n${body(one)}}\n`),
  );
  const outputs = Object.entries(output ?? {}).map(([name, one]) => `output "${name}" {\n${body(one)}}\n`);
  const local = locals === undefined ? [] : [`locals {\n${body(locals)}}\n`];
  return [...providers, ...named('data', data), ...named('resource', resource), ...outputs, ...local];
}

function body(one: Body): string {
  return Object.entries(one)
    .filter(([name]) => name !== '//')
    .map(([name, argument]) => entry(name, argument))
    .join('');
}

function entry(name: string, argument: unknown): string {
  const { value, isBlock, is_block: also } = isArgument(argument) ? argument : { value: argument };
  if (value === undefined || value === null) return '';
  if (name === 'lifecycle' || isBlock === true || also === true) {
    return [value]
      .flat()
      .map((inner) => `${name} {\n${body(inner as Body)}}\n`)
      .join('');
  }
  // What these name are references, not text.
  if (name === 'depends_on' || name === 'ignore_changes')
    return `${name} = [${(value as string[]).join(', ')}]\n`;
  return `${name} = ${expression(value)}\n`;
}

function isArgument(value: unknown): value is Argument {
  return (
    typeof value === 'object' && value !== null && 'value' in value && ('isBlock' in value || 'type' in value)
  );
}

function expression(value: unknown): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map((one) => expression(one)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).map(
    ([name, one]) => `${/^[a-z_]\w*$/i.test(name) ? name : text(name)} = ${expression(one)}`,
  );
  return `{\n${entries.join('\n')}\n}`;
}

function text(value: string): string {
  const reference = /^\$\{([^{}]*)\}$/.exec(value)?.[1];
  if (reference !== undefined) return reference;
  if (value.endsWith('\n') && !/^SCRIPT$/m.test(value)) return `<<SCRIPT\n${value}SCRIPT`;
  // As HCL escapes; what stands in `${…}` here has none of these.
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
}
