/** The files of a deploy: which they are, and what they say together. Effects: files. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { envFileOf, type Included, parseSource, readStack, type Source, type Stack } from '../../../compose/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import type { Environment } from '../../api-client.ts';

/** In the order in which they are looked for, each with those that a person may lay beside it to override parts. */
const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const OVERRIDES = ['compose.override.yml', 'compose.override.yaml', 'docker-compose.override.yml', 'docker-compose.override.yaml'];
const FIG_FILES = ['fig.yml', 'fig.yaml'];

export interface Project {
  /** The folder that `./here` is in. */
  readonly folder: string;
  /** Whole paths. */
  readonly files: readonly string[];
  /** Of the environment, and of the folder's `.env` below it. */
  readonly variables: Environment;
  readonly stack: Stack;
}

/** Those of `-f`; else of COMPOSE_FILE; else of this folder or the next above it that has any. Throws `invalid` for what cannot be read. */
export function readProject(named: readonly string[] | undefined, env: Environment): Project {
  const files = named ?? filesIn({ ...dotEnv(process.cwd(), env), ...env });
  const [first] = files;
  if (first === undefined)
    throw new ArpanetError('invalid', `there is no ${[...COMPOSE_FILES, ...FIG_FILES].join(', ')} in this folder: name the file with -f`);
  const folder = dirname(resolve(first));
  const variables = { ...dotEnv(folder, env), ...env };
  const stack = readStack(files.map(readSource), {
    variables,
    open: (file, from) => readSource(resolve(dirname(from), file)),
    include: (entry, from = folder) => included(entry, from, variables),
  });
  return { folder, files: files.map((file) => resolve(file)), variables, stack };
}

function filesIn(env: Environment): readonly string[] {
  const given = env['COMPOSE_FILE'];
  if (given !== undefined && given !== '') return given.split(env['COMPOSE_PATH_SEPARATOR'] ?? ':');
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const there = (names: readonly string[]) => names.map((name) => join(folder, name)).find((file) => existsSync(file));
    const file = there(COMPOSE_FILES);
    const override = there(OVERRIDES);
    if (file !== undefined) return override === undefined ? [file] : [file, override];
    const fig = there(FIG_FILES);
    if (fig !== undefined) return [fig];
    if (folder === dirname(folder)) return [];
  }
}

const readSource = (file: string): Source => parseSource(file, readText(file));
const dotEnv = (folder: string, env: Environment): Environment => envIn(join(folder, '.env'), env, false);
const envIn = (file: string, env: Environment, isRequired: boolean): Environment =>
  isRequired || existsSync(file) ? envFileOf(readText(file), env) : {};
const asList = (value: unknown): readonly string[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);

/** `FILE`, or `{path, project_directory, env_file}`; the variables of the outer project go before those of the inner one's files. */
function included(entry: unknown, from: string, variables: Environment): Included {
  const {
    path,
    project_directory: given,
    env_file: envFiles,
  } = (typeof entry === 'string' ? { path: entry } : entry) as {
    readonly path?: unknown;
    readonly project_directory?: string;
    readonly env_file?: unknown;
  };
  const remote = asList(path).find((one) => /^(?:https?|git|ssh|oci):\/\/|^git@/.test(one));
  if (remote !== undefined) throw new ArpanetError('invalid', `${remote} is not on this machine: fetch it first`);
  const files = asList(path).map((one) => resolve(from, one));
  const [first] = files;
  if (first === undefined) throw new ArpanetError('invalid', 'an entry needs a path');
  const folder = given === undefined ? dirname(first) : resolve(from, given);
  const asked = asList(envFiles).map((one) => resolve(from, one));
  const own = asked.length === 0 ? dotEnv(folder, variables) : Object.assign({}, ...asked.map((one) => envIn(one, variables, true)));
  return { sources: files.map(readSource), folder, variables: { ...(own as Environment), ...variables } };
}

/** A service's env or label files, the later ones over the earlier ones: `FILE`, or `{path, required, format}`. Throws `invalid`. */
export function readEnvFiles(entries: readonly unknown[], { folder, variables }: Project): Readonly<Record<string, string>> {
  const all = entries.map((entry) => {
    const { path, required = true, format } = (typeof entry === 'object' ? entry : { path: entry }) as Readonly<Record<string, unknown>>;
    const file = isAbsolute(String(path)) ? String(path) : join(folder, String(path));
    if (!existsSync(file) && (required === false || required === 'false')) return {};
    if (format === undefined || format === '') return envIn(file, variables, true);
    if (format === 'raw') return rawEnv(readText(file));
    throw new ArpanetError('invalid', `env_file: the format of ${file} is ${JSON.stringify(format)}: it is raw, or is left out`);
  });
  return Object.assign({}, ...all) as Readonly<Record<string, string>>;
}

/** As `docker run --env-file` reads it: `NAME=VALUE` to the end of the line, no quotes, no variables. */
const rawEnv = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split(/\r?\n/)
      .filter((line) => line.includes('=') && !line.trimStart().startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1)]),
  );

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ArpanetError('invalid', `cannot read ${file}`, { cause });
  }
}
