/** Names of container records of which something has changed: the record, its container, its host, its network. Kept until they are taken. */
import { type ContainerRecord, keys, labels, type LeaseRecord, type NetworkRecord } from '../../model/index.ts';
import type { Ledger } from '../../store/ledger/contract.ts';
import type { RecordIndex } from './record-index.ts';

export interface TouchedRecords {
  readonly record: (name: string) => void;
  /** One that is in the view, or was a moment ago. */
  readonly container: (id: string) => void;
  readonly host: (name: string) => void;
  /** Those since the last call. */
  readonly take: () => Iterable<string>;
  /** Hosts since the last call. */
  readonly takeHosts: () => Iterable<string>;
}

/** Follows the ledger; the view reports what changes there. */
export function createTouchedRecords(ledger: Pick<Ledger, 'get' | 'list' | 'watch'>, index: RecordIndex): TouchedRecords {
  let touched = new Set<string>();
  let hosts = new Set<string>();
  const ipv6Of = (id: string) => ledger.get<NetworkRecord>(keys.network(id))?.ipv6;
  const ipv6 = new Map<string, NetworkRecord['ipv6']>();

  function followed(name: string): void {
    index.put(name, ledger.get<ContainerRecord>(keys.container(name)));
    touched.add(name);
  }

  for (const [, { id, ipv6: had }] of ledger.list<NetworkRecord>(keys.networks)) ipv6.set(id, had);
  for (const [, { name }] of ledger.list<ContainerRecord>(keys.containers)) followed(name);
  ledger.watch(keys.containers, (key) => followed(key.slice(keys.containers.length)));
  ledger.watch(keys.networks, (key) => {
    const id = key.slice(keys.networks.length);
    const before = ipv6.get(id);
    const now = ipv6Of(id);
    if (now === undefined) ipv6.delete(id);
    else ipv6.set(id, now);
    if (before !== now) for (const { name } of index.inNetwork(id)) touched.add(name);
  });

  /** Keys of leases that are services'. */
  const ofServices = new Set<string>();
  ledger.watch(keys.leases, (key) => {
    const now = ledger.get<LeaseRecord>(key);
    const isService = now?.kind === 'service';
    if (!isService && !ofServices.has(key)) return;
    if (isService) ofServices.add(key);
    else ofServices.delete(key);
    const [network = ''] = key.slice(keys.leases.length).split('/');
    for (const { name, request } of index.inNetwork(network)) if (request.Labels?.[labels.vip]) touched.add(name);
  });

  return {
    record(name) {
      touched.add(name);
    },
    container(id) {
      index.shown(id);
      const name = index.withId(id)?.name;
      if (name !== undefined) touched.add(name);
    },
    host(host) {
      hosts.add(host);
      for (const { name } of index.onHost(host)) touched.add(name);
    },
    take() {
      const taken = touched;
      touched = new Set();
      return taken;
    },
    takeHosts() {
      const taken = hosts;
      hosts = new Set();
      return taken;
    },
  };
}
