/** Secrets and configs of a deploy: their contents against what the cluster's store has. Effects: files, HTTP requests. */
import { randomBytes, scrypt, type BinaryLike } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { StoredObject } from '../compose/index.ts';
import { ArpanetError } from '../model/errors.ts';
import type { ClusterCalls } from './calls.ts';
import type { Project } from './files.ts';
import { composeLabels } from '../model/index.ts';

/** Docker API, `GET /secrets` and `GET /configs`: a secret comes without its data. */
export interface StoredRecord {
  readonly ID: string;
  readonly Spec: { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> | null; readonly Data?: string };
}

/** Where the content of secrets and configs comes from. */
export type ContentFrom = Pick<Project, 'at' | 'folder' | 'variables'>;

/** One that must be created before the containers. */
export interface NewContent {
  readonly kind: StoredObject['kind'];
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: Buffer;
}

/** A used object: the id of the record that has its content, or what is to be created. */
export type Resolved = { readonly id: string } | NewContent;

/** `SALT:KEY` in hex. A slow hash, because every client that may list secrets may read it, and could try to guess a short secret. */
const FINGERPRINT = 'arpanet.content';
const [SALT_BYTES, KEY_BYTES] = [16, 32];

/** In Node's threads: the leader, which does this, has others to answer. */
const slowHash = promisify<BinaryLike, BinaryLike, number, Buffer>(scrypt);

async function fingerprint(data: Buffer, salt: Buffer = randomBytes(SALT_BYTES)): Promise<string> {
  return `${salt.toString('hex')}:${(await slowHash(data, salt, KEY_BYTES)).toString('hex')}`;
}

const isSameContent = async ({ Spec }: StoredRecord, data: Buffer): Promise<boolean> => {
  if (Spec.Data !== undefined) return Spec.Data === data.toString('base64');
  const known = Spec.Labels?.[FINGERPRINT];
  return known !== undefined && (await fingerprint(data, Buffer.from(known.split(':')[0] ?? '', 'hex'))) === known;
};

/**
 * Looks an object up in the store by its content. A record cannot be changed, and containers may still use it: other content gets a record
 * of its own, `NAME-2`, `NAME-3`, … Rejects with `invalid` for a file or variable that is missing, and for an external one that is not stored.
 */
export async function resolveContent(records: readonly StoredRecord[], object: StoredObject, project: ContentFrom): Promise<Resolved> {
  const { kind, key, name, labels } = object;
  const named = (wanted: string) => records.find(({ Spec }) => Spec.Name === wanted);
  if (object.source.from === 'external') {
    const found = named(name);
    if (found === undefined)
      throw new ArpanetError('invalid', `${kind} ${name} is external and does not exist: docker ${kind} create ${name} FILE`);
    return { id: found.ID };
  }
  const data = contentOf(object, project);
  const own = ({ Spec }: StoredRecord) =>
    Spec.Name === name ||
    (Spec.Labels?.[composeLabels.project] === labels[composeLabels.project] && Spec.Labels?.[`${composeLabels.prefix}${kind}`] === key);
  for (const record of records) if (own(record) && (await isSameContent(record, data))) return { id: record.ID };
  let free = name;
  for (let number = 2; named(free) !== undefined; number++) free = `${name}-${number}`;
  return { kind, name: free, labels: kind === 'secret' ? { ...labels, [FINGERPRINT]: await fingerprint(data) } : labels, data };
}

/** Throws `invalid` for a file or variable that does not exist. */
export function contentOf(
  { kind, key, source }: Pick<StoredObject, 'kind' | 'key' | 'source'>,
  { at, folder, variables }: ContentFrom,
): Buffer {
  if (source.from === 'content') return Buffer.from(source.text);
  if (source.from === 'environment') {
    const value = variables[source.variable];
    if (value === undefined) throw new ArpanetError('invalid', `${kind}s.${key}: the variable ${source.variable} is not set`);
    return Buffer.from(value);
  }
  if (source.from === 'external') return Buffer.alloc(0);
  const file = resolve(at.root, folder, source.path);
  try {
    return at.bytes(file);
  } catch (cause) {
    throw new ArpanetError('invalid', `${kind}s.${key}: cannot read ${file}`, { cause });
  }
}

/** Creates it in the store. Errors: `engine` with the cluster's reason, for a name or a size that it does not take. */
export async function createContent(api: ClusterCalls, { kind, name, labels, data }: NewContent): Promise<void> {
  await api.json(`/${kind}s/create`, { method: 'POST', body: { Name: name, Labels: labels, Data: data.toString('base64') } });
}
