/**
 * A scheduler's own certificate. It has the CA from the store and certifies itself, again at two thirds of the certificate's life; its private key never leaves the process.
 * Effects: reads the store, timers, chance.
 */
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { growingPause } from '../../async/growing-pause.ts';
import type { ClusterTls } from '../../docker-api/index.ts';
import { keys } from '../../model/index.ts';
import { accepts, caRecord } from '../../schemas/index.ts';
import { type Credentials, dialOptions, newKeyPair, openAuthority, renewAtMs, SCHEDULER_NAME } from '../../security/index.ts';
import type { StateStore } from '../../store/index.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

const LIFE_MS = 30 * 86_400_000;
const LOOK_MS = 60_000;
/** The first leader makes the CA. */
const AWAIT_CA_MS = 250;
const MOST_AWAIT_CA_MS = 5_000;

export interface SchedulerCertificate extends ClusterTls {
  /** Gets one from the CA in the store, if it is needed; nothing where there is no CA, or where this process has one of it. Throws what the store throws. */
  readonly load: (isNeeded: boolean) => Promise<void>;
  /** The same, again and again until there is a CA. Never throws. */
  readonly await: (isNeeded: boolean, until: AbortSignal) => Promise<void>;
  /** For a connection to the other end of this name; undefined: this process has no certificate yet. */
  readonly dial: (servername: string) => ConnectionOptions | undefined;
}

export interface SchedulerCertificateDeps {
  readonly store: Pick<StateStore, 'get' | 'watch'>;
  readonly name: string;
  /** It listens with TLS. */
  readonly servesTls: boolean;
  /** Names and addresses at which clients reach it. */
  readonly names: readonly string[];
  readonly now: () => number;
  readonly log: Logger;
}

export function createSchedulerCertificate(deps: SchedulerCertificateDeps, signal: AbortSignal): SchedulerCertificate {
  const takers = new Set<(credentials: Credentials) => void>();
  let current: Credentials | undefined;
  let renewMs = Number.POSITIVE_INFINITY;

  async function load(isNeeded: boolean): Promise<void> {
    if (!isNeeded && !deps.servesTls) return;
    const record = (await deps.store.get(keys.ca))?.value;
    if (!accepts(caRecord, record)) return;
    const ca = openAuthority(record, deps.now);
    if (current !== undefined && current.bundle === ca.bundle && deps.now() < renewMs) return;
    const pair = newKeyPair();
    const names = [SCHEDULER_NAME, ...deps.names];
    const commonName =
      deps.name
        .replace(/[^A-Za-z0-9._@-]/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 64) || 'scheduler';
    const issued = await ca.issue({ publicKey: pair.publicKey, commonName, kind: 'scheduler', names, ttlMs: LIFE_MS });
    const isFirst = current === undefined;
    current = { certificate: issued.certificate, privateKey: pair.privateKey, bundle: ca.bundle };
    renewMs = renewAtMs(issued);
    for (const take of takers) take(current);
    if (!isFirst) return;
    inBackground(deps.log, 'the renewal of the certificate of this scheduler', renewals());
    inBackground(deps.log, 'the CA of the cluster', followCa());
  }

  async function renewals(): Promise<void> {
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted && deps.now() >= renewMs)
        await load(true).catch((err: unknown) => deps.log.warn({ err }, 'cannot renew the certificate of this scheduler yet'));
    }
  }

  /** Another CA signs from now on, or one is trusted no more. */
  async function followCa(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const entries of deps.store.watch(keys.ca, signal)) if (entries.length > 0) await load(true);
      } catch (err) {
        if (!signal.aborted) deps.log.debug({ err }, 'cannot read the CA of the cluster now');
      }
      await sleep(MOST_AWAIT_CA_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async function awaitCa(isNeeded: boolean, until: AbortSignal): Promise<void> {
    const pause = growingPause(AWAIT_CA_MS, MOST_AWAIT_CA_MS);
    let failure: string | undefined;
    while (!until.aborted) {
      await load(isNeeded).catch((err: unknown) => {
        if (String(err) !== failure) deps.log.warn({ err }, 'no certificate for this scheduler yet');
        failure = String(err);
      });
      if (current !== undefined || (!isNeeded && !deps.servesTls)) return;
      await sleep(pause.next(), undefined, { signal: until, ref: false }).catch(() => undefined);
    }
  }

  return {
    load,
    await: awaitCa,
    current: () => current,
    onChange(take) {
      takers.add(take);
      if (current !== undefined) take(current);
    },
    dial: (servername) => current && dialOptions(current, servername),
  };
}
