/** Secrets and configs: kept in the store, and put as files into fresh instances before they start. Effects: writes to the ledger, calls to Engines. */
import {
  ArpanetError,
  type ContainerView,
  type CreateRequest,
  type SecretFile,
  type SecretKind,
  type SecretRecord,
  keys,
  labels,
} from '../model/index.ts';
import type { DeploymentsDeps } from './deps.ts';
import { type Core, serviceOf } from './core.ts';
import { dockerName } from './service-reference.ts';
import { tarOf } from './tar.ts';

const TIMEOUT_MS = 30_000;
/** The store's own limit is 512 KB for a value, and the data stands there in base64. */
export const MAX_DATA_BYTES = 256 * 1024;

export interface KeptWish {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: string;
}

export interface Kept {
  readonly kept: (kind: SecretKind) => readonly SecretRecord[];
  /** Throws `conflict` where the name is taken, `too-large`. */
  readonly keep: (kind: SecretKind, wish: KeptWish) => Promise<SecretRecord>;
  /** Throws `conflict` when `version` is not the present one. */
  readonly relabel: (record: SecretRecord, given: Readonly<Record<string, string>>, version: number) => Promise<void>;
  /** Throws `invalid` while a service names it. */
  readonly discard: (record: SecretRecord) => Promise<void>;
}

/** The files that a request names. */
export function filesOf(request: Pick<CreateRequest, 'Labels'>): readonly SecretFile[] {
  const label = request.Labels?.[labels.files];
  if (!label) return [];
  try {
    const parsed: unknown = JSON.parse(label);
    return Array.isArray(parsed) ? (parsed as readonly SecretFile[]) : [];
  } catch {
    return [];
  }
}

export function createKept(core: Core): Kept {
  const { deps } = core;
  const { ledger } = deps;
  const kept = (kind: SecretKind) => ledger.list<SecretRecord>(keys.secretsOf(kind)).map(([, record]) => record);
  const keyOf = ({ kind, id }: SecretRecord) => keys.secret(kind, id);

  return {
    kept,
    async keep(kind, { name, labels: given, data }) {
      if (Buffer.byteLength(data, 'base64') > MAX_DATA_BYTES)
        throw new ArpanetError(
          'too-large',
          `${kind} data of ${Buffer.byteLength(data, 'base64')} bytes: at most ${MAX_DATA_BYTES} are kept`,
        );
      if (kept(kind).some((one) => one.name === name))
        throw new ArpanetError('conflict', `rpc error: code = AlreadyExists desc = ${kind} ${name} already exists`);
      const nowMs = deps.now();
      const id = deps
        .newId()
        .replaceAll(/[^a-z0-9]/gi, '')
        .toLowerCase()
        .slice(0, 25);
      const record: SecretRecord = { kind, id, name, labels: given, data, version: 1, createdAtMs: nowMs, updatedAtMs: nowMs };
      await ledger.commit([{ kind: 'create', key: keyOf(record), value: record }]);
      return record;
    },
    async relabel(record, given, version) {
      if (version !== record.version)
        throw new ArpanetError('conflict', `update out of sequence: ${record.name} is at version ${record.version}; look at it again`);
      const value = { ...record, labels: given, version: version + 1, updatedAtMs: deps.now() };
      await ledger.commit([{ kind: 'put', key: keyOf(record), value }]);
    },
    async discard(record) {
      const users = core
        .list()
        .filter(({ template }) => template !== undefined && filesOf(template.request).some(({ id }) => id === record.id))
        .map(dockerName);
      if (users.length > 0)
        throw new ArpanetError(
          'invalid',
          `rpc error: code = InvalidArgument desc = ${record.kind} '${record.name}' is in use by the following service${users.length > 1 ? 's' : ''}: ${users.join(', ')}`,
        );
      await ledger.commit([{ kind: 'delete', key: keyOf(record) }]);
    },
  };
}

/** Puts its files into an instance that was made and has not started. Throws `not-found` when one is kept no longer. */
export async function equip(
  { ledger, engine, now }: Pick<DeploymentsDeps, 'ledger' | 'engine' | 'now'>,
  made: ContainerView,
): Promise<void> {
  const request = made.record?.request;
  const files = request === undefined || serviceOf(request) === undefined ? [] : filesOf(request);
  if (files.length === 0) return;
  const archive = files.map((file) => {
    const record = ledger.get<SecretRecord>(keys.secret(file.kind, file.id));
    if (record === undefined) throw new ArpanetError('not-found', `${made.name}: the ${file.kind} for ${file.path} is kept no longer`);
    return { ...file, path: file.path.replace(/^\/+/, ''), data: Buffer.from(record.data, 'base64') };
  });
  const answer = await engine(made.host, {
    method: 'PUT',
    path: `/containers/${made.id}/archive?path=%2F`,
    headers: { 'Content-Type': 'application/x-tar' },
    body: tarOf(archive, now()),
    timeoutMs: TIMEOUT_MS,
  });
  if (answer.status >= 300)
    throw new ArpanetError('engine', `host ${made.host}: secrets and configs of ${made.name}: ${answer.body.toString().trim()}`, {
      engineStatus: answer.status,
    });
}
