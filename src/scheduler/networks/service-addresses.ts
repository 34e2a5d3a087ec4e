/**
 * Gives services that ask for it (label `arpanet.vip`) one address in each of their networks, and takes it back when nobody of the service is there any
 * more. Follows the container records; each change costs as much as its service. Effects: writes to the ledger.
 */
import { type ContainerRecord, keys, labels, type LeaseRecord, type ServiceId, serviceKey } from '../../model/index.ts';
import { isKind } from '../../model/errors.ts';
import type { Change } from '../../store/ledger/contract.ts';
import { singleFlight } from '../../async/single-flight.ts';
import { inBackground } from '../../telemetry/faults.ts';
import { containerRecords, type Core } from '../core.ts';

const AGAIN_MS = 1_000;

export const asksForVip = ({ request }: Pick<ContainerRecord, 'request'>): boolean => request.Labels?.[labels.vip] === 'true';

/** In which networks a service gets an address, and in which it gives one back. `isKept`: the service is known, though it has no instance now. Pure. */
export function vipChanges(
  records: readonly Pick<ContainerRecord, 'request' | 'addresses'>[],
  held: ReadonlySet<string>,
  isKept: boolean,
): { readonly come: readonly string[]; readonly gone: readonly string[] } {
  const wanted = new Set(records.filter(asksForVip).flatMap(({ addresses }) => Object.keys(addresses)));
  const come = [...wanted].filter((network) => !held.has(network));
  const gone = records.length === 0 && isKept ? [] : [...held].filter((network) => !wanted.has(network));
  return { come, gone };
}

export function startServiceAddresses({ deps, recordIndex, commit, lost }: Core): void {
  const { ledger, dhcp, log } = deps;
  const plans = dhcp.serviceAddresses;
  /** By container, the service that it is of, where that asks for an address. */
  const asking = new Map<string, string>();
  /** By `DEPLOYMENT/SERVICE`: which service that is, where any container has said so; and the networks where it has an address. */
  const services = new Map<string, ServiceId>();
  const held = new Map<string, Set<string>>();
  let due = new Set<string>();
  let failure: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  function note(name: string, record: ContainerRecord | undefined): void {
    const before = asking.get(name);
    const now = record !== undefined && asksForVip(record) ? serviceKey(record) : undefined;
    if (record !== undefined && now !== undefined) services.set(now, { deployment: record.deployment, service: record.service });
    if (now === undefined) asking.delete(name);
    else asking.set(name, now);
    for (const service of [before, now]) if (service !== undefined) due.add(service);
  }

  function changesOf(service: string): readonly Change[] {
    const id = services.get(service);
    const here = held.get(service) ?? new Set<string>();
    const records = id === undefined ? [] : recordIndex.ofService(id.deployment, id.service);
    const isKept = id !== undefined && ledger.get(keys.service(id.deployment, id.service)) !== undefined;
    const { come, gone } = vipChanges(records, here, isKept);
    const changes: Change[] = gone.flatMap((network) => [...plans.planRelease(network, service)]);
    for (const network of gone) here.delete(network);
    for (const network of come) {
      if (!plans.isPossible(network)) continue;
      changes.push(...plans.plan(network, service).changes);
      here.add(network);
    }
    if (here.size > 0) held.set(service, here);
    else held.delete(service);
    if (records.length === 0 && !isKept) services.delete(service);
    return changes;
  }

  const work = singleFlight(async () => {
    const taken = due;
    due = new Set();
    for (const service of taken) {
      if (lost.aborted) return;
      try {
        const before = new Set(held.get(service));
        try {
          await commit(changesOf(service));
        } catch (error) {
          held.set(service, before);
          throw error;
        }
      } catch (error) {
        if (lost.aborted || isKind(error, 'not-leader')) return;
        const why = error instanceof Error ? error.message : String(error);
        if (why !== failure) log.warn({ service, err: error }, 'cannot give a service its address: its name leads to its instances');
        failure = why;
        due.add(service);
      }
    }
    clearTimeout(timer);
    if (due.size > 0) timer = setTimeout(later, AGAIN_MS).unref();
    else failure = undefined;
  });
  const later = (): void => inBackground(log, 'addresses of services', work());

  for (const [, { kind, owner, network, state }] of ledger.list<LeaseRecord>(keys.leases)) {
    if (kind !== 'service' || state !== 'bound') continue;
    held.set(owner, (held.get(owner) ?? new Set()).add(network));
    due.add(owner);
  }
  for (const record of containerRecords(deps)) note(record.name, record);
  ledger.watch(keys.containers, (key) => {
    const name = key.slice(keys.containers.length);
    note(name, ledger.get<ContainerRecord>(key));
    if (due.size > 0) queueMicrotask(later);
  });
  ledger.watch(keys.services, (key) => {
    if (ledger.get(key) !== undefined) return;
    for (const [service, { deployment, service: name }] of services) if (keys.service(deployment, name) === key) due.add(service);
    if (due.size > 0) queueMicrotask(later);
  });
  lost.addEventListener('abort', () => clearTimeout(timer));
  later();
}
