/** The files of a deploy on this machine. Effects: files. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dotEnv, type Environment, type Files, type Project, readProject } from '../../../deployments/index.ts';
import { ArpanetError } from '../../../model/errors.ts';

/** In the order in which they are looked for, each with those that a person may lay beside it to override parts. */
const COMPOSE_FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];
const OVERRIDES = ['compose.override.yml', 'compose.override.yaml', 'docker-compose.override.yml', 'docker-compose.override.yaml'];
const FIG_FILES = ['fig.yml', 'fig.yaml'];

/** Relative paths are relative to this process's folder. */
export const diskFiles = (): Files => ({
  root: process.cwd(),
  has: existsSync,
  text: (path) => read(path).toString('utf8'),
  bytes: read,
});

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ArpanetError('invalid', `cannot read ${path}`, { cause });
  }
}

/** Those of `-f`; else of COMPOSE_FILE; else of this folder or the next above it that has any. Throws `invalid` for what cannot be read. */
export function projectOnDisk(at: Files, named: readonly string[] | undefined, env: Environment): Project {
  const files = named ?? filesIn({ ...dotEnv(at, at.root, env), ...env }, at.root);
  if (files.length === 0)
    throw new ArpanetError('invalid', `there is no ${[...COMPOSE_FILES, ...FIG_FILES].join(', ')} in this folder: name the file with -f`);
  return readProject(at, files, env);
}

function filesIn(env: Environment, from: string): readonly string[] {
  const given = env['COMPOSE_FILE'];
  if (given !== undefined && given !== '') return given.split(env['COMPOSE_PATH_SEPARATOR'] ?? ':');
  for (let folder = from; ; folder = dirname(folder)) {
    const there = (names: readonly string[]) => names.map((name) => join(folder, name)).find((file) => existsSync(file));
    const file = there(COMPOSE_FILES);
    const override = there(OVERRIDES);
    if (file !== undefined) return override === undefined ? [file] : [file, override];
    const fig = there(FIG_FILES);
    if (fig !== undefined) return [fig];
    if (folder === dirname(folder)) return [];
  }
}
