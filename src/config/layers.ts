/** Combines a command's settings: flags precede environment, file and defaults. Files are read only through `Sources.readFile`. */
import { ArpanetError } from '../model/errors.ts';
import { isSlip, nearest } from './nearest.ts';
import { type Command, environmentName, OPTIONS, optionsOf } from './options.ts';

export interface Sources {
  /** As commander gives them: camel case, undefined when absent. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Contents of a file. Throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

/** What there is to load for it is the caller's choice: a command that asks a cluster has no time for a library of schemas. */
export interface Readers<T> {
  /** The settings in the text of a file. Throws `invalid` naming the path. */
  readonly fileOf: (path: string, text: string) => Readonly<Record<string, unknown>>;
  /** The settings by their names in camel case, checked; or what is wrong, each with the name in `path[0]`. */
  readonly check: (given: Readonly<Record<string, unknown>>) => Checked<T>;
}

type Checked<T> =
  | { readonly success: true; readonly data: T }
  | { readonly success: false; readonly error: { readonly issues: readonly (Issue & { readonly path: readonly PropertyKey[] })[] } };

/** Settings of one source, by option name, and how messages name one of them. */
interface Layer {
  readonly values: Readonly<Record<string, unknown>>;
  readonly called: (option: string) => string;
}

/** Throws `invalid` with the flag, variable or key, what is wrong with it, and for an unknown one the nearest known. */
export function combined<T>(command: Command, sources: Sources, { fileOf, check }: Readers<T>): T {
  const flags: Layer = { values: fromFlags(command, sources.flags), called: (option) => `--${option}` };
  const env: Layer = { values: fromEnvironment(command, sources.env), called: environmentName };
  const path = textOf(flags.values['config'] ?? env.values['config']);
  const layers = [
    flags,
    env,
    ...(path === undefined ? [] : [fromFile(command, path, fileOf(path, readOr(path, sources.readFile)))]),
    defaultsOf(command),
  ].map((layer) => SECRET_FILES.reduce((read, [file, secret]) => withSecretRead(read, file, secret, sources.readFile), layer));
  const names = optionsOf(command)
    .map((option) => option.name)
    .filter((name) => name !== 'config' && !SECRET_FILES.some(([file]) => file === name));
  const source = (name: string) => layers.find((layer) => layer.values[name] !== undefined);
  const given = Object.fromEntries(
    names.map((name) => [camel(name), source(name)?.values[name]]).filter(([, value]) => value !== undefined),
  );

  const result = check(given);
  if (result.success) return deepFreeze(result.data);
  const wrong = names.flatMap((name) => {
    const issue = result.error.issues.find((candidate) => candidate.path[0] === camel(name));
    if (issue === undefined) return [];
    const from = source(name);
    if (from === undefined)
      return [`--${name} is missing: give it, or set ${environmentName(name)}, or \`${name}:\` in the file of --config`];
    return [`${from.called(name)}: ${messageOf(issue)}`];
  });
  throw new ArpanetError('invalid', wrong.join('; '));
}

function fromFlags(command: Command, flags: Sources['flags']): Layer['values'] {
  const known = optionsOf(command).map((option) => option.name);
  return Object.fromEntries(
    Object.entries(flags).flatMap(([key, value]) => {
      if (value === undefined) return [];
      const name = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      if (!known.includes(name)) throw unknown(command, `flag --${name}`, name, (near) => `--${near}`);
      return [[name, value]];
    }),
  );
}

/** Variables of other commands and programs are ignored; one that is nearly known is a spelling mistake, and refused. */
function fromEnvironment(command: Command, env: Sources['env']): Layer['values'] {
  const variables = OPTIONS.map((option) => environmentName(option.name));
  for (const [key, value] of Object.entries(env)) {
    if (!key.startsWith('ARPANET_') || value === undefined || variables.includes(key)) continue;
    const near = variables.find((variable) => isSlip(key.slice('ARPANET_'.length), variable.slice('ARPANET_'.length)));
    if (near !== undefined) throw new ArpanetError('invalid', `unknown variable ${key}: did you mean ${near}?`);
  }
  const names = optionsOf(command).map((option) => option.name);
  return Object.fromEntries(names.map((name) => [name, env[environmentName(name)] || undefined]));
}

function fromFile(command: Command, path: string, values: Layer['values']): Layer {
  for (const key of Object.keys(values)) {
    if (key === 'config') throw new ArpanetError('invalid', `${path}: config: a file cannot name another file`);
    if (!optionsOf(command).some((option) => option.name === key))
      throw unknown(command, `key "${key}" in ${path}`, key, (near) => `"${near}"`);
  }
  return { values, called: (option) => `${path}: ${option}` };
}

function defaultsOf(command: Command): Layer {
  const values = Object.fromEntries(optionsOf(command).map((option) => [option.name, option.commands[command]?.default]));
  return { values, called: (option) => `the default of --${option}` };
}

/** Options that name a file, and the secret that is in it. */
const SECRET_FILES = [
  ['token-file', 'join-token'],
  ['consul-token-file', 'consul-token'],
] as const;

/** Such a file replaces the secret, in the layer that names it. */
function withSecretRead(layer: Layer, file: string, secret: string, readFile: Sources['readFile']): Layer {
  const path = textOf(layer.values[file]);
  if (path === undefined || layer.values[secret] !== undefined) return layer;
  const found = readOr(path, readFile).trim();
  if (found === '') throw new ArpanetError('invalid', `${layer.called(file)}: ${path} is empty`);
  return { ...layer, values: { ...layer.values, [secret]: found } };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);

function readOr(path: string, readFile: Sources['readFile']): string {
  try {
    return readFile(path);
  } catch (cause) {
    throw new ArpanetError('invalid', `cannot read ${path}`, { cause });
  }
}

function unknown(command: Command, what: string, name: string, quote: (near: string) => string): ArpanetError {
  const elsewhere = OPTIONS.find((option) => option.name === name);
  if (elsewhere !== undefined) {
    return new ArpanetError(
      'invalid',
      `${what} is not a setting of arpanet ${command}, but of ${Object.keys(elsewhere.commands).join(', ')}`,
    );
  }
  const near = nearest(
    name,
    optionsOf(command).map((option) => option.name),
  );
  return new ArpanetError('invalid', `unknown ${what}${near === undefined ? '' : `: did you mean ${quote(near)}?`}`);
}

type Issue = { readonly message: string; readonly code?: string | undefined; readonly errors?: readonly (readonly Issue[])[] };

/** The message of the first form that has one, for a value that may have several forms. */
export function messageOf(issue: Issue): string {
  const inner = (issue.errors ?? []).flat().map(messageOf);
  return issue.code === 'invalid_union' ? (inner.find((message) => message.startsWith('"')) ?? inner[0] ?? issue.message) : issue.message;
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
