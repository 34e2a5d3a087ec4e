/** The files of a deployment as somebody has sent them, and as a client collects them to send. */
import { resolve } from 'node:path';
import type { DeployRequest } from '../contracts/index.ts';
import { ArpanetError } from '../model/errors.ts';
import { type Files, type Project, readProject } from './files.ts';

/** What relative paths begin with where nobody has said: only other files that were sent are called so. */
const ROOT = '/';

/** What these files say together. Throws `invalid` with file and line. */
export function sentProject({ files = {}, contents = {}, compose, folder, variables = {} }: DeployRequest): Project {
  const root = folder === undefined || folder === '' ? ROOT : folder;
  if (!root.startsWith('/')) throw new ArpanetError('invalid', `folder is ${JSON.stringify(folder)}: it is a whole path, as /srv/abc`);
  const texts = byPath(root, files);
  const bytes = byPath(root, contents);
  const at: Files = {
    root,
    has: (path) => texts.has(path) || bytes.has(path),
    text(path) {
      const found = texts.get(path) ?? decoded(bytes.get(path))?.toString();
      if (found === undefined) throw new ArpanetError('invalid', `${path} was not sent: put it into "files"`);
      return found;
    },
    bytes(path) {
      const found = decoded(bytes.get(path)) ?? (texts.has(path) ? Buffer.from(texts.get(path) ?? '') : undefined);
      if (found === undefined) throw new ArpanetError('invalid', `${path} was not sent: put it into "contents", in base64`);
      return found;
    },
  };
  const names = compose ?? Object.keys(files);
  if (compose === undefined && names.length !== 1)
    throw new ArpanetError('invalid', `there are ${names.length} files: say in "compose" which of them are compose files, in their order`);
  return readProject(at, names, variables, folder ?? '');
}

const byPath = (root: string, files: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(files).map(([path, content]) => [resolve(root, path), content]));
const decoded = (base64: string | undefined): Buffer | undefined => (base64 === undefined ? undefined : Buffer.from(base64, 'base64'));

/** Files that remember what was read of them. */
export interface Recorded extends Files {
  /** What somebody else needs to read the same: the files, and of the variables those whose names are in their texts. */
  readonly request: (project: Project) => DeployRequest;
}

/** The same files; what is read of them is remembered. */
export function recorded(files: Files): Recorded {
  const texts = new Map<string, string>();
  const contents = new Map<string, Buffer>();
  return {
    root: files.root,
    has: files.has,
    text(path) {
      const text = files.text(path);
      texts.set(path, text);
      return text;
    },
    bytes(path) {
      const bytes = files.bytes(path);
      contents.set(path, bytes);
      return bytes;
    },
    request({ folder, files: compose, variables }) {
      const words = new Set([...texts.values()].flatMap((text) => text.match(/\w+/g) ?? []));
      const isUsed = (name: string) => words.has(name) || OURS.has(name);
      const used = Object.entries(variables).flatMap(([name, value]) =>
        value !== undefined && isUsed(name) ? [[name, value] as const] : [],
      );
      return {
        files: Object.fromEntries(texts),
        contents: Object.fromEntries([...contents].map(([path, bytes]) => [path, bytes.toString('base64')])),
        compose,
        folder,
        variables: Object.fromEntries(used),
      };
    },
  };
}

/** Variables that count without being named: `~` in paths, and what is deployed. */
const OURS: ReadonlySet<string> = new Set(['HOME', 'COMPOSE_PROFILES']);
