/** The files of a project: which they are, and what they say together. Effects: those of the files that it is given. */
import { basename, dirname, join, resolve } from 'node:path';
import { envFileOf, type Included, parseSource, readStack, type Source, type Stack } from '../compose/index.ts';
import { ArpanetError } from '../model/errors.ts';

/** Variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where files are read: a disk, or what somebody has sent. Paths are absolute. */
export interface Files {
  /** What relative paths are relative to. */
  readonly root: string;
  readonly has: (path: string) => boolean;
  /** Throws `invalid` for what cannot be read. */
  readonly text: (path: string) => string;
  readonly bytes: (path: string) => Buffer;
}

/** Compose files, and what belongs to them. */
export interface Project {
  readonly at: Files;
  /** The folder that `./here` is in; empty: nobody has said, and such paths are refused. */
  readonly folder: string;
  /** Whole paths. */
  readonly files: readonly string[];
  /** Of the environment, and of the folder's `.env` below it. */
  readonly variables: Environment;
  readonly stack: Stack;
}

/** What these files say; `folder` is that of the first of them where it is not given. Throws `invalid` with file and line for what cannot be read. */
export function readProject(at: Files, files: readonly string[], env: Environment, given?: string): Project {
  const here = given === undefined || given === '' ? dirname(resolve(at.root, files[0] ?? '')) : given;
  const variables = { ...dotEnv(at, here, env), ...env };
  const open = (file: string): Source => parseSource(file, at.text(resolve(at.root, file)));
  const stack = readStack(files.map(open), {
    variables,
    open: (file, from) => open(resolve(at.root, dirname(from), file)),
    include: (entry, from = here) => included(at, entry, from, variables),
  });
  return { at, folder: given ?? here, files: files.map((file) => resolve(at.root, file)), variables, stack };
}

/** The variables of a folder's `.env`. */
export const dotEnv = (at: Files, folder: string, env: Environment): Environment => envIn(at, join(folder, '.env'), env, false);
const envIn = (at: Files, file: string, env: Environment, isRequired: boolean): Environment =>
  isRequired || at.has(file) ? envFileOf(at.text(file), env) : {};
const asList = (value: unknown): readonly string[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);

/** `FILE`, or `{path, project_directory, env_file}`; the variables of the outer project go before those of the inner one's files. */
function included(at: Files, entry: unknown, from: string, variables: Environment): Included {
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
  const own =
    asked.length === 0 ? dotEnv(at, folder, variables) : Object.assign({}, ...asked.map((one) => envIn(at, one, variables, true)));
  return {
    sources: files.map((file) => parseSource(file, at.text(file))),
    folder,
    variables: { ...(own as Environment), ...variables },
  };
}

/** A service's env or label files, the later ones over the earlier ones: `FILE`, or `{path, required, format}`. Throws `invalid`. */
export function readEnvFiles(entries: readonly unknown[], { at, folder, variables }: Project): Readonly<Record<string, string>> {
  const all = entries.map((entry) => {
    const { path, required = true, format } = (typeof entry === 'object' ? entry : { path: entry }) as Readonly<Record<string, unknown>>;
    const file = resolve(at.root, folder, String(path));
    if (!at.has(file) && (required === false || required === 'false')) return {};
    if (format === undefined || format === '') return envIn(at, file, variables, true);
    if (format === 'raw') return rawEnv(at.text(file));
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

/** A deployment's name: what is given, else COMPOSE_PROJECT_NAME, `name:` of the files, the folder's. Throws `invalid` for one that compose does not take either. */
export function nameOf({ folder, variables, stack }: Project, given: string | undefined): string {
  const own = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '');
  const project = given ?? variables['COMPOSE_PROJECT_NAME'] ?? stack.name ?? own;
  if (/^[a-z0-9][a-z0-9_-]*$/.test(project)) return project;
  throw new ArpanetError(
    'invalid',
    `the deployment's name is "${project}": it must have a-z, 0-9, - and _, beginning with a letter or digit; give -p NAME`,
  );
}
