/**
 * A few hosts keep what the store alone knows, in case it is lost permanently (`arpanet recover`): settings, networks, services,
 * volumes, configs, names for outside services, the addresses of services; secrets they do not keep. Containers, their requests and their addresses are in labels on the Engines; but not the aliases of networks that they joined later.
 * Effects: a timer, writes to streams.
 */
import { type ContainerRecord, keys, type LeaseRecord } from '../../model/index.ts';
import type { Ledger } from '../../store/ledger/contract.ts';
import type { Hub } from './hub.ts';
import { guarded, inBackground } from '../../telemetry/faults.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Enough that not all of them are lost with the store, few enough that a change costs little. */
const REPLICAS = 5;
const EVERY_MS = 2_000;
const KEPT = [
  keys.settings,
  keys.hosts,
  keys.admissions,
  keys.machines,
  keys.lost,
  keys.networks,
  keys.services,
  keys.volumes,
  keys.records,
  keys.secretsOf('config'),
];

export interface StoreReplicasDeps {
  readonly ledger: Pick<Ledger, 'list' | 'watch' | 'get'>;
  /** Records of containers that have joined networks since they were created. */
  readonly connected: () => readonly ContainerRecord[];
  readonly hub: Pick<Hub, 'hosts' | 'connected' | 'send'>;
  readonly epoch: number;
  readonly now: () => number;
  readonly log: Logger;
}

export interface StoreReplicas {
  /** This host came just now: it is sent again. */
  again(host: string): void;
}

export function startStoreReplicas({ ledger, connected, hub, epoch, now, log }: StoreReplicasDeps, lost: AbortSignal): StoreReplicas {
  let kept: readonly (readonly [string, unknown])[] = [];
  const sent = new Set<string>();
  let joined: readonly ContainerRecord[] = [];
  let isWritten = true;
  for (const prefix of KEPT) ledger.watch(prefix, () => (isWritten = true));
  /** By key, addresses of services: of other leases the Engines know. */
  const leases = new Map<string, LeaseRecord>();
  const note = (key: string, lease: LeaseRecord | undefined): void => {
    if (lease?.kind === 'service') leases.set(key, lease);
    else if (!leases.delete(key)) return;
    isWritten = true;
  };
  for (const [key, lease] of ledger.list<LeaseRecord>(keys.leases)) note(key, lease);
  ledger.watch(keys.leases, (key) => note(key, ledger.get<LeaseRecord>(key)));

  /** Reads what is kept again, if any of it was written. */
  function read(): void {
    const now = connected();
    // a value that is written is a new object
    const isSameJoined = now.length === joined.length && now.every((record, at) => joined[at] === record);
    if (!isWritten && isSameJoined) return;
    [isWritten, joined] = [false, now];
    const found = [
      ...KEPT.flatMap((prefix) => ledger.list<unknown>(prefix)),
      ...leases,
      ...joined.map((record) => [keys.container(record.name), record] as const),
    ];
    const isSame = found.length === kept.length && found.every(([key, value], at) => kept[at]?.[0] === key && kept[at]?.[1] === value);
    if (!isSame) sent.clear();
    kept = found;
  }

  function look(): void {
    read();
    for (const host of sent) if (!hub.connected(host)) sent.delete(host);
    if (sent.size >= REPLICAS) return;
    for (const host of hub.hosts().toSorted().slice(0, REPLICAS)) {
      if (sent.has(host)) continue;
      sent.add(host);
      const saved = hub.send(host, { type: 'keep', kept: { epoch, atMs: now(), records: kept } });
      inBackground(
        log,
        'a copy of the store',
        saved.then((isSent) => isSent || sent.delete(host)),
      );
    }
  }

  const timer = setInterval(guarded(log, 'a copy of the store', look), EVERY_MS);
  lost.addEventListener('abort', () => clearInterval(timer), { once: true });
  return {
    again(host) {
      sent.delete(host);
    },
  };
}
