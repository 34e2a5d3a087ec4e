/** Keeps the copy of what the cluster is known by, beside the cluster key of each scheduler. Effects: the store, that file, timers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { singleFlight } from '../../async/single-flight.ts';
import { type CertificateRecord, keys } from '../../model/index.ts';
import { type ClusterKeyFile, identityCopyOf, type IdentityRecords, isIdentityCopy, writeIdentityCopy } from '../../security/index.ts';
import type { StateStore } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';

const AGAIN_MS = 5_000;
const DAY_MS = 86_400_000;

/** Disposed it waits for what is being written. */
export interface IdentityCopy extends AsyncDisposable {
  /** Writes it, in the background, if it is not the same. What fails is logged: nothing else depends on it. */
  readonly keep: () => void;
  /** The same where another key of the file seals now. */
  readonly sealAgain: () => void;
  /** Until the signal aborts: after each change of the CA, after revocations by another scheduler, and once a day. Never throws. */
  readonly follow: (signal: AbortSignal) => Promise<void>;
}

interface IdentityCopyDeps {
  readonly store: Pick<StateStore, 'kind' | 'get' | 'list' | 'watch' | 'changeIndex'>;
  readonly file: ClusterKeyFile;
  readonly log: Logger;
  /** At most as often it is read after changes of certificates, and after a failure. */
  readonly againMs?: number;
}

export function createIdentityCopy({ store, file, log, againMs = AGAIN_MS }: IdentityCopyDeps): IdentityCopy {
  /** The key that sealed it when it was looked at last. */
  let sealedWith: string | undefined;
  let last: Promise<void> = Promise.resolve();
  /** Two at a time would write the same file. Rejects when the store cannot be read. */
  const once = singleFlight(async () => {
    const records = await identityIn(store);
    const clusterId = records.find(([key]) => key === keys.clusterId)?.[1];
    if (typeof clusterId !== 'string') return;
    const path = identityCopyOf(file.path, clusterId);
    const [seals] = file.ids;
    try {
      if (!isIdentityCopy(path, file, records)) writeIdentityCopy(path, file, records);
    } catch (err) {
      log.warn({ err, path }, 'cannot write what "arpanet recover" needs where there is no backup');
    }
    sealedWith = seals;
  });
  const failed = (err: unknown): void => log.debug({ err }, 'cannot read what the cluster is known by now');
  const keep = (): void => {
    last = once().catch(failed);
  };

  async function again(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await act();
      } catch (err) {
        if (!signal.aborted) failed(err);
      }
      await sleep(againMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async function followCa(signal: AbortSignal): Promise<void> {
    for await (const entries of store.watch(keys.ca, signal)) if (entries.length > 0) await once();
  }

  let seen: number | undefined;
  async function certificatesChanged(signal: AbortSignal): Promise<void> {
    const now = await store.changeIndex(keys.certificates, signal, seen);
    if (now === seen) return;
    await once();
    // behind it: what failed is done again
    seen = now;
  }

  return {
    keep,
    sealAgain() {
      if (sealedWith !== undefined && sealedWith !== file.ids[0]) keep();
    },
    async follow(signal) {
      const daily = setInterval(keep, DAY_MS);
      signal.addEventListener('abort', () => clearInterval(daily), { once: true });
      const ca = again(signal, async () => await followCa(signal));
      // with the embedded store nobody else revokes, and its number is that of any change
      const others = store.kind === 'consul' ? again(signal, async () => await certificatesChanged(signal)) : undefined;
      await Promise.all([ca, others]);
    },
    async [Symbol.asyncDispose]() {
      await last;
    },
  };
}

/** What `arpanet recover` cannot learn from hosts. Of certificates those that were revoked: hosts show their own. Empty: this store has no CA yet. */
async function identityIn(store: Pick<StateStore, 'get' | 'list'>): Promise<IdentityRecords> {
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
