/** Secrets and configs in the store. Effects: writes to the ledger. */
import type { Secrets } from '../contracts/index.ts';
import { ArpanetError, keys, type SecretKind, type SecretRecord, serviceName } from '../model/index.ts';
import type { Core } from './core.ts';
import { filesOf } from './secret-files.ts';

/** The store's own limit is 512 KB for a value, and the data is stored in base64. */
export const MAX_DATA_BYTES = 256 * 1024;

/** Names are unique by kind. Errors are worded as Docker's API does (`POST /secrets/create`, v1.25). */
export function createSecrets(core: Core): Secrets {
  const { deps } = core;
  const { ledger } = deps;
  const list = (kind: SecretKind) => ledger.list<SecretRecord>(keys.secretsOf(kind)).map(([, record]) => record);
  const keyOf = ({ kind, id }: SecretRecord) => keys.secret(kind, id);

  return {
    list,
    async create(kind, { name, labels: given, data }) {
      if (Buffer.byteLength(data, 'base64') > MAX_DATA_BYTES)
        throw new ArpanetError('too-large', `${kind} data of ${Buffer.byteLength(data, 'base64')} bytes: the limit is ${MAX_DATA_BYTES}`);
      if (list(kind).some((one) => one.name === name))
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
    async remove(record) {
      const users = core
        .list()
        .filter(({ template }) => template !== undefined && filesOf(template.request).some(({ id }) => id === record.id))
        .map(serviceName);
      if (users.length > 0)
        throw new ArpanetError(
          'invalid',
          `rpc error: code = InvalidArgument desc = ${record.kind} '${record.name}' is in use by the following service${users.length > 1 ? 's' : ''}: ${users.join(', ')}`,
        );
      await ledger.commit([{ kind: 'delete', key: keyOf(record) }]);
    },
  };
}
