/** The file of the cluster key: one key in base64 per line, the first one seals. Effects: reads and writes it. */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ArpanetError } from '../model/errors.ts';
import { type ClusterKeys, clusterKeys, newClusterKey } from './seal.ts';

/** Undefined: there is no such file. Throws `invalid`, with the path: one that cannot be read, that others may read, or that holds no keys. */
export function readClusterKeys(path: string): ClusterKeys | undefined {
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
  return clusterKeys(keys);
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
    const note =
      '# Seals the secrets of the cluster in its store. Without it they are lost: keep a copy apart from the backups of the store.';
    writeFileSync(draft, `${note}\n${newClusterKey().toString('base64')}\n`, { mode: 0o600, flush: true });
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
