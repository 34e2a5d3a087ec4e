/** Effects: a store whose secrets are sealed with the cluster's key (security/seal), made of one that stores what it is given. */
import { ArpanetError, keys } from '../model/index.ts';
import { type ClusterKeys, isSealed } from '../security/index.ts';
import type { Entry, Fence, Operation, StateStore } from './contract.ts';

/** Keys, and beginnings of keys, of what is secret: by itself, in a container's or a service's environment, or in a volume's options (a file server's password). */
const SECRET = [
  keys.joinToken,
  keys.replacedTokens,
  keys.labelKey,
  keys.ca,
  keys.secretsOf('secret'),
  keys.secretsOf('config'),
  keys.services,
  keys.deployments,
  keys.containers,
  keys.lost,
  keys.migrations,
  keys.volumes,
  keys.parts,
];

/** What is stored at this key is sealed where there is a cluster key. */
export const isSecret = (key: string): boolean =>
  SECRET.some((secret) => key === secret || (secret.endsWith('/') && key.startsWith(secret)));

/** Another cluster key has sealed a record. */
class LockedOut extends Error {
  readonly key: string;
  constructor(key: string) {
    super(`sealed with the cluster key ${key}`);
    this.key = key;
  }
}

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
      throw new LockedOut(entry.value.key);
    }
    const value: unknown = JSON.parse(json);
    return { ...entry, value };
  }

  async function allOpened(entries: readonly Entry[]): Promise<readonly Entry[]> {
    try {
      return entries.map(opened);
    } catch (error) {
      if (!(error instanceof LockedOut)) throw error;
      const leader = await store.get(keys.leader).catch(() => undefined);
      throw new ArpanetError('unavailable', lockedOutText(error.key, cluster, leader?.value));
    }
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
      return entry === undefined ? undefined : (await allOpened([entry]))[0];
    },
    list: async (prefix, signal) => await allOpened(await store.list(prefix, signal)),
    transact: (operations, fence, signal) => store.transact(operations.map(sealed), fence, signal),
    async *watch(prefix, signal) {
      for await (const entries of store.watch(prefix, signal)) yield await allOpened(entries);
    },
  };
}

/** With the line to type, where there is a file that another scheduler's could take the place of. */
function lockedOutText(key: string, cluster: ClusterKeys | undefined, leader: unknown): string {
  if (cluster === undefined)
    return `the store is sealed with the cluster key ${key}, and this process has none: give it a copy of the key file of the scheduler that leads (--cluster-key)`;
  const { path, ids } = cluster;
  const has = `the store is sealed with the cluster key ${key}, and ${path ?? 'this process'} has ${ids.join(', ')}`;
  const why = 'it was rotated while this scheduler was off, or the store is of another cluster';
  if (path === undefined) return `${has}: ${why}: give it the key file of the scheduler that leads`;
  const url = typeof leader === 'object' && leader !== null && 'url' in leader && typeof leader.url === 'string' ? leader.url : '';
  const host = URL.canParse(url) ? new URL(url).hostname : 'SCHEDULER';
  return `${has}: ${why}. Copy the file of the scheduler that leads, here as root: scp ${host}:${path} ${path} && chmod 600 ${path} (the path there is its --cluster-key). It is read again by itself`;
}
