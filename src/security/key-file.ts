/** The file of the cluster key: one key in base64 per line, the first one seals. Effects: reads and writes it. */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeDurablySync } from '../files/durable-file.ts';
import { ArpanetError } from '../model/errors.ts';
import { type ClusterKeys, clusterKeys, KEY_BYTES, newClusterKey } from './seal.ts';

/** Undefined: there is no such file. Throws `invalid`, with the path: one that cannot be read, that others may read, or that holds no keys. */
export function readClusterKeys(path: string): ClusterKeys | undefined {
  const secrets = readSecrets(path);
  return secrets && clusterKeys(secrets);
}

function readSecrets(path: string): readonly Buffer[] | undefined {
  const text = readOrNothing(path);
  if (text === undefined) return undefined;
  const others = statSync(path).mode & 0o077;
  if (others !== 0) throw new ArpanetError('invalid', `the cluster key ${path} can be read by others: chmod 600 ${path}`);
  const secrets = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => (/^[A-Za-z0-9+/]{43}=$/.test(line) ? Buffer.from(line, 'base64') : undefined));
  const keys = secrets.filter((secret) => secret !== undefined);
  if (keys.length === 0 || keys.length < secrets.length)
    throw new ArpanetError('invalid', `${path} is no cluster key: its lines are keys of 32 bytes in base64`);
  return keys;
}

/**
 * The keys of the file; it is made, readable by its owner alone, where there is none. Two processes that make it at the same time get the same. Throws `invalid` as
 * readClusterKeys does, and where it cannot be written.
 */
export function ensureClusterKeys(path: string): ClusterKeys {
  const found = readClusterKeys(path);
  if (found !== undefined) return found;
  const draft = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(draft, textOf([newClusterKey()]), { mode: 0o600, flush: true });
    linkSync(draft, path);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
      throw new ArpanetError('invalid', `cannot write the cluster key ${path}: --cluster-key names another place`, { cause });
  } finally {
    rmSync(draft, { force: true });
  }
  const made = readClusterKeys(path);
  if (made === undefined) throw new ArpanetError('invalid', `cannot read the cluster key ${path}`);
  return made;
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOENT') return undefined;
    throw new ArpanetError('invalid', `cannot read the cluster key ${path} (${code})`, { cause });
  }
}

const NOTE = '# Seals the secrets of the cluster in its store. Without it they are lost: keep a copy apart from the backups of the store.';
const textOf = (secrets: readonly Buffer[]): string => `${[NOTE, ...secrets.map((secret) => secret.toString('base64'))].join('\n')}\n`;

/** The keys of a file that may get others while the process runs. */
export interface ClusterKeyFile extends ClusterKeys {
  readonly path: string;
  /** In base64, the one that seals first. */
  readonly secrets: () => readonly string[];
  /** Reads the file again: somebody else may have written into it. Throws `invalid` as readClusterKeys does. */
  readonly reload: () => void;
  /** Makes another key, which opens and does not seal yet. Returns what it is called. Throws `invalid` where the file cannot be written. */
  readonly prepare: () => string;
  /** From now on this key of the file seals. Throws `invalid` where the file cannot be written. */
  readonly promote: (id: string) => void;
  /** These, in this order, and behind them what the file has beside them. Throws `invalid` for what is no key, and where the file cannot be written. */
  readonly take: (secrets: readonly string[]) => void;
}

/** Makes the file where there is none. Throws `invalid` as ensureClusterKeys does. */
export function openClusterKeyFile(path: string): ClusterKeyFile {
  ensureClusterKeys(path);
  let secrets = readSecrets(path) ?? [];
  let keys = clusterKeys(secrets);

  function use(next: readonly Buffer[]): void {
    secrets = next;
    keys = clusterKeys(next);
  }
  function reload(): void {
    const found = readSecrets(path);
    if (found !== undefined && textOf(found) !== textOf(secrets)) use(found);
  }
  function write(next: readonly Buffer[]): void {
    if (textOf(next) === textOf(secrets)) return;
    try {
      writeDurablySync(path, textOf(next));
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
      const advice = 'its folder must be writable for the scheduler, and the file no mount of its own';
      throw new ArpanetError('invalid', `cannot write the cluster key ${path}${code}: ${advice}`, { cause });
    }
    use(next);
  }

  return {
    path,
    get ids() {
      return keys.ids;
    },
    seal: (at, json) => keys.seal(at, json),
    open(at, sealed) {
      // another scheduler seals with a key that was copied here meanwhile
      if (!keys.ids.includes(sealed.key)) reload();
      return keys.open(at, sealed);
    },
    secrets: () => secrets.map((secret) => secret.toString('base64')),
    reload,
    prepare() {
      reload();
      const made = newClusterKey();
      write([...secrets, made]);
      return clusterKeys([made]).ids[0] ?? '';
    },
    promote(id) {
      reload();
      const at = keys.ids.indexOf(id);
      const first = secrets[at];
      if (first === undefined) throw new ArpanetError('invalid', `${path} has no key ${id} any more`);
      write([first, ...secrets.filter((_one, i) => i !== at)]);
    },
    take(given) {
      const next = given.map((text) => Buffer.from(text, 'base64'));
      if (next.length === 0 || next.some(({ length }) => length !== KEY_BYTES))
        throw new ArpanetError('invalid', 'what was sent is no cluster key');
      reload();
      write([...next, ...secrets.filter((secret) => !next.some((one) => one.equals(secret)))]);
    },
  };
}
