/** Effects: a store whose secrets are sealed with the cluster's key (security/seal), made of one that stores what it is given. */
import { ArpanetError, keys } from '../model/index.ts';
import { type ClusterKeys, isSealed } from '../security/index.ts';
import type { Entry, Fence, Operation, StateStore } from './contract.ts';

/** Keys, and beginnings of keys, of what is secret: by itself, or in a container's or a service's environment. */
const SECRET = [
  keys.joinToken,
  keys.replacedTokens,
  keys.labelKey,
  keys.ca,
  keys.secretsOf('secret'),
  keys.secretsOf('config'),
  keys.services,
  keys.containers,
  keys.lost,
  keys.migrations,
  keys.parts,
];

/** What is stored at this key is sealed where there is a cluster key. */
export const isSecret = (key: string): boolean =>
  SECRET.some((secret) => key === secret || (secret.endsWith('/') && key.startsWith(secret)));

/**
 * Records that releases before have stored plainly are read as they are, and sealed when they are written again. What another cluster key has sealed is `unavailable`: nobody may
 * lead without it. A sealed record that was changed has a `fault`.
 */
export function withSealedRecords(store: StateStore, cluster: ClusterKeys | undefined): StateStore {
  const plain = new Set<string>();

  function opened(entry: Entry): Entry {
    if (!isSecret(entry.key)) return entry;
    if (!isSealed(entry.value)) {
      plain.add(entry.key);
      return entry;
    }
    let json: string | undefined;
    try {
      json = cluster?.open(entry.key, entry.value);
    } catch {
      return { ...entry, value: undefined, fault: 'sealed, but not by this cluster for this record: it was changed' };
    }
    if (json === undefined) {
      const had = cluster === undefined ? 'none' : cluster.ids.join(', ');
      throw new ArpanetError(
        'unavailable',
        `the store is sealed with the cluster key ${entry.value.key}, and this process has ${had}: give it the key file of the scheduler that wrote it`,
      );
    }
    const value: unknown = JSON.parse(json);
    return { ...entry, value };
  }

  /** The ledger knows nothing of parts. */
  async function resealParts(keysNow: ClusterKeys, fence: Fence): Promise<void> {
    for (const { key, value, modifyIndex } of await store.list(keys.parts)) {
      if (isSealed(value) && value.key === keysNow.ids[0]) continue;
      const entry = opened({ key, value, modifyIndex });
      // one that is written or removed meanwhile is not this one any more
      if (entry.fault === undefined) await store.transact([sealed({ op: 'cas', key, value: entry.value, modifyIndex })], fence);
    }
  }

  function sealed(operation: Operation): Operation {
    if (cluster === undefined || (operation.op !== 'set' && operation.op !== 'cas') || !isSecret(operation.key)) return operation;
    plain.delete(operation.key);
    const json: string | undefined = JSON.stringify(operation.value);
    return json === undefined ? operation : { ...operation, value: cluster.seal(operation.key, json) };
  }

  return {
    ...store,
    ...(cluster === undefined ? {} : { unsealed: () => [...plain], resealParts: async (fence) => await resealParts(cluster, fence) }),
    async get(key, signal) {
      const entry = await store.get(key, signal);
      return entry === undefined ? undefined : opened(entry);
    },
    list: async (prefix, signal) => (await store.list(prefix, signal)).map(opened),
    transact: (operations, fence, signal) => store.transact(operations.map(sealed), fence, signal),
    async *watch(prefix, signal) {
      for await (const entries of store.watch(prefix, signal)) yield entries.map(opened);
    },
  };
}
