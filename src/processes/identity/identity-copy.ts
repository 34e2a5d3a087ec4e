/** Keeps the copy of what the cluster is known by, beside the cluster key of each scheduler. Effects: the store, that file, timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type CertificateRecord, keys } from '../../model/index.ts';
import { type ClusterKeyFile, identityCopyOf, type IdentityRecords, readIdentityCopy, writeIdentityCopy } from '../../security/index.ts';
import type { StateStore } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

const AGAIN_MS = 5_000;
const DAY_MS = 86_400_000;

/** What `arpanet recover` cannot learn from hosts. Of certificates those that were revoked: hosts show their own. Empty: this store has no CA yet. */
export async function identityIn(store: Pick<StateStore, 'get' | 'list'>): Promise<IdentityRecords> {
  const [ca, labelKey, clusterId, certificates] = await Promise.all([
    store.get(keys.ca),
    store.get(keys.labelKey),
    store.get(keys.clusterId),
    store.list(keys.certificates),
  ]);
  if (ca === undefined || labelKey === undefined || clusterId === undefined) return [];
  const revoked = certificates.filter(({ value }) => {
    const { revokedMs, revokedSerials = [] } = (value ?? {}) as Partial<CertificateRecord>;
    return revokedMs !== undefined || revokedSerials.length > 0;
  });
  return [ca, labelKey, clusterId, ...revoked].map(({ key, value }) => [key, value] as const);
}

/** Writes it if it is not the same. Logs what a disk refuses: nothing else depends on it. */
export async function keepIdentity(store: Pick<StateStore, 'get' | 'list'>, file: ClusterKeyFile, log: Logger): Promise<void> {
  const records = await identityIn(store);
  const clusterId = records.find(([key]) => key === keys.clusterId)?.[1];
  if (typeof clusterId !== 'string') return;
  const path = identityCopyOf(file.path, clusterId);
  try {
    if (JSON.stringify(before()) !== JSON.stringify(records)) writeIdentityCopy(path, file, records);
  } catch (err) {
    log.warn({ err, path }, 'cannot write what "arpanet recover" needs where there is no backup');
  }

  function before(): IdentityRecords | undefined {
    try {
      return readIdentityCopy(path, file);
    } catch {
      return undefined;
    }
  }
}

/** Until the signal aborts: after each change of the CA, and once a day. Never throws. */
export async function followIdentity(
  store: Pick<StateStore, 'get' | 'list' | 'watch'>,
  file: ClusterKeyFile,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const keep = async (): Promise<void> => await keepIdentity(store, file, log);
  const failed = (err: unknown): void => log.debug({ err }, 'cannot read what the cluster is known by now');
  const daily = setInterval(() => {
    keep().catch(failed);
  }, DAY_MS);
  signal.addEventListener('abort', () => clearInterval(daily), { once: true });
  while (!signal.aborted) {
    try {
      for await (const entries of store.watch(keys.ca, signal)) if (entries.length > 0) await keep();
    } catch (err) {
      if (!signal.aborted) failed(err);
    }
    await sleep(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
