/**
 * What a cluster is known by (its CAs, its key for labels, its id, which certificates were revoked), in a file beside the cluster key, sealed with it: a store that is lost can then be recovered
 * without a backup. Effects: reads and writes that file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeDurablySync } from '../files/durable-file.ts';
import { ArpanetError } from '../model/errors.ts';
import { type ClusterKeys, isSealed } from './seal.ts';

/** Records of the store, by their keys. */
export type IdentityRecords = readonly (readonly [key: string, value: unknown])[];

/** Beside `keyFile`, one for each cluster: a scheduler that starts on an empty store founds another, and must not cost the one that is to be recovered. */
export const identityCopyOf = (keyFile: string, clusterId: string): string => `${keyFile}.identity-${clusterId.slice(0, 12)}`;

/** All that are beside `keyFile`. */
export function identityCopiesOf(keyFile: string): readonly string[] {
  const mine = `${basename(keyFile)}.identity-`;
  try {
    return readdirSync(dirname(keyFile)).flatMap((name) =>
      name.startsWith(mine) && !name.endsWith('.new') ? [join(dirname(keyFile), name)] : [],
    );
  } catch {
    return [];
  }
}

/** What it is sealed for. */
const PLACE = 'arpanet/identity-copy';

/** Throws Node's error where it cannot be written. */
export function writeIdentityCopy(path: string, keys: ClusterKeys, records: IdentityRecords): void {
  writeDurablySync(path, `${JSON.stringify(keys.seal(PLACE, JSON.stringify(records)))}\n`);
}

/** Whether it has these records, sealed with the first of the keys. False also for one that cannot be read. */
export function isIdentityCopy(path: string, keys: ClusterKeys, records: IdentityRecords): boolean {
  try {
    const sealed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isSealed(sealed) && sealed.key === keys.ids[0] && keys.open(PLACE, sealed) === JSON.stringify(records);
  } catch {
    return false;
  }
}

/** Undefined: there is none. Throws `invalid`, with the path, for one that was changed, or that none of these keys has sealed. */
export function readIdentityCopy(path: string, keys: ClusterKeys): IdentityRecords | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOENT') return undefined;
    throw new ArpanetError('invalid', `cannot read ${path} (${code})`, { cause });
  }
  try {
    const sealed: unknown = JSON.parse(text);
    const json = isSealed(sealed) ? keys.open(PLACE, sealed) : undefined;
    const found: unknown = json === undefined ? undefined : JSON.parse(json);
    if (isRecords(found)) return found;
  } catch {
    // said below
  }
  throw new ArpanetError(
    'invalid',
    `${path} was changed, or another cluster key has sealed it than those beside it (${keys.ids.join(', ')}): remove it, or give the key file of its scheduler`,
  );
}

const isRecords = (value: unknown): value is IdentityRecords =>
  Array.isArray(value) && value.every((one: unknown) => Array.isArray(one) && one.length === 2 && typeof one[0] === 'string');
