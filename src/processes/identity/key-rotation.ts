/**
 * The rotation of the cluster key: every scheduler gets the new one first, by TLS or by a person's hand; then it seals, and what the old one has sealed is sealed again. The store never holds
 * either. Effects: the key file, the ledger, timers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError, keys } from '../../model/index.ts';
import type { KeyOperations, KeyReport } from '../../operator-api/index.ts';
import { accepts, sentKeys } from '../../schemas/index.ts';
import type { ClusterKeyFile } from '../../security/index.ts';
import { type Fence, isSecret, type Ledger, type StateStore } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Schedulers say what they have every 5 s, and again when they got something. */
const SPREAD_MS = 20_000;
const LOOK_MS = 100;
/** Records that are sealed again at a time. */
const AT_A_TIME = 32;

interface KeyRotationDeps {
  /** Undefined: nothing is sealed. */
  readonly file: ClusterKeyFile | undefined;
  /** Names of the other schedulers that do not have this key. */
  readonly without: (id: string) => readonly string[];
  /** False while a scheduler that runs may not have said yet that it does. */
  readonly isSettled: () => boolean;
  readonly ledger: Pick<Ledger, 'get' | 'list' | 'commit'>;
  readonly store: Pick<StateStore, 'resealParts'>;
  readonly fence: Fence;
  /** Called once the new key seals. */
  readonly sealsNow: () => void;
  readonly log: Logger;
  readonly spreadMs?: number;
}

/** By file: one that was made and has not reached all schedulers is not made twice. */
const prepared = new WeakMap<ClusterKeyFile, string>();

export function createKeyRotation({
  file,
  without,
  isSettled,
  ledger,
  store,
  fence,
  sealsNow,
  log,
  spreadMs = SPREAD_MS,
}: KeyRotationDeps): KeyOperations {
  function known(): ClusterKeyFile {
    if (file === undefined)
      throw new ArpanetError('unavailable', 'this cluster seals nothing in its store: give its schedulers a key (--cluster-key)');
    return file;
  }

  function report(): KeyReport {
    const { ids } = known();
    return { keys: ids, missing: without(ids[0] ?? '') };
  }

  async function reachesAll(id: string): Promise<void> {
    const endMs = performance.now() + spreadMs;
    while (!isSettled() || without(id).length > 0) {
      if (performance.now() > endMs && without(id).length > 0)
        throw new ArpanetError(
          'conflict',
          `the new cluster key ${id} is in ${known().path} of the leader, and seals nothing yet: ${without(id).join(', ')} cannot get it by TLS (--listen tls://), or does not run. Copy the file there, and repeat "arpanet key rotate"`,
        );
      await sleep(LOOK_MS);
    }
  }

  return {
    report,
    async rotate() {
      const keyFile = known();
      const before = prepared.get(keyFile);
      const id = before !== undefined && keyFile.ids.includes(before) ? before : keyFile.prepare();
      prepared.set(keyFile, id);
      await reachesAll(id);
      keyFile.promote(id);
      prepared.delete(keyFile);
      sealsNow();
      const secret = ledger.list<unknown>(keys.root).flatMap(([key]) => (isSecret(key) ? [key] : []));
      for (let i = 0; i < secret.length; i += AT_A_TIME) await Promise.all(secret.slice(i, i + AT_A_TIME).map(again));
      await store.resealParts?.(fence);
      log.warn({ key: id }, 'another cluster key seals the store');
      return report();
    },
  };

  async function again(key: string): Promise<void> {
    const value = ledger.get(key);
    if (value !== undefined) await ledger.commit([{ kind: 'put', key, value }]);
  }
}

/** What the keys in the file are called, as it is now: somebody may have copied another one there. */
export function keysNow(file: ClusterKeyFile | undefined): readonly string[] {
  try {
    file?.reload();
  } catch {
    // those it had count
  }
  return file?.ids ?? [];
}

/** Adopts the cluster keys in the leader's answer to an announcement; true if the file has others now. Throws `invalid` where the file cannot be written. */
export function takeSentKeys(file: ClusterKeyFile | undefined, answer: string, log: Logger): boolean {
  if (file === undefined) return false;
  try {
    const said: unknown = JSON.parse(answer);
    if (!accepts(sentKeys, said)) return false;
    const before = file.ids.join();
    file.take(said.clusterKeys);
    if (file.ids.join() === before) return false;
    log.warn({ keys: file.ids }, 'the leader has sent other cluster keys: they are in the key file');
    return true;
  } catch (err) {
    log.error({ err }, 'cannot take the cluster keys that the leader has sent');
    return false;
  }
}
