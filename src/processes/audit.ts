/** `arpanet audit`: reads store, Engines, agents and catalog, compares them, and with --fix runs the reconcilers. Effects: requests to all of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ContainerRecord,
  type HostObservation,
  keys,
  type LeaseRecord,
  type LostRecord,
  type NamedInstance,
  type NetworkRecord,
  type SubnetRecord,
} from '../model/index.ts';
import type { ExpectedOnHost, Scheduler } from '../contracts/index.ts';
import { audit, type AuditReport, type Finding } from '../operator-api/index.ts';
import type { Registrar } from '../registrar/index.ts';
import type { CatalogChange, Ledger } from '../store/index.ts';
import { leftOutNow } from '../telemetry/left-out.ts';

export interface AuditParts {
  readonly ledger: Ledger;
  readonly scheduler: Pick<Scheduler, 'leader' | 'hosts' | 'containers' | 'agents'>;
  readonly registrar: Pick<Registrar, 'catalogDrift' | 'renew'>;
  readonly instances: () => readonly NamedInstance[];
}

/** A change in progress is not a difference: only what is found each of these times is reported. */
const LOOKS = 3;
const BETWEEN_MS = 700;
const FIX_ROUNDS = 4;

export async function runAudit(parts: AuditParts, fix: boolean): Promise<AuditReport> {
  const found = await lasting(parts);
  if (!fix || found.length === 0) return { findings: found, fixed: [] };
  let left = found;
  for (let round = 0; round < FIX_ROUNDS && left.length > 0; round++) {
    await parts.ledger.compare(true);
    await parts.scheduler.leader.reconcile();
    await parts.registrar.renew();
    await sleep(BETWEEN_MS);
    left = await lasting(parts);
  }
  const remaining = new Set(left.map(textOf));
  return { findings: left, fixed: found.filter((finding) => !remaining.has(textOf(finding))) };
}

async function lasting(parts: AuditParts): Promise<readonly Finding[]> {
  let found = await look(parts);
  for (let again = 1; again < LOOKS && found.length > 0; again++) {
    await sleep(BETWEEN_MS);
    const now = new Set((await look(parts)).map(textOf));
    found = found.filter((finding) => now.has(textOf(finding)));
  }
  return found;
}

const textOf = ({ where, host, what }: Finding): string => `${where} ${host ?? ''} ${what}`;

async function look({ ledger, scheduler, registrar, instances }: AuditParts): Promise<readonly Finding[]> {
  const values = <T>(prefix: string): readonly T[] => ledger.list<T>(prefix).map(([, value]) => value);
  const alive = scheduler.hosts.list().filter((host) => host.state === 'alive');
  const [foreignKeys, catalog, looks] = await Promise.all([
    ledger.compare(false),
    registrar.catalogDrift(),
    Promise.all(alive.map(({ name }) => scheduler.agents.look(name).catch(() => undefined))),
  ]);
  const names = instances();
  const containers = scheduler.containers.list();
  const byHost = alive.map(({ name }, index): [string, { wanted: ExpectedOnHost; found: HostObservation | undefined }] => [
    name,
    { wanted: scheduler.agents.expected(name, names), found: looks[index] },
  ]);
  return audit({
    hosts: scheduler.hosts.list(),
    containers,
    proven: new Set(
      containers.flatMap((container) =>
        container.record === undefined && scheduler.containers.verdict(container).kind === 'proven' ? [container.id] : [],
      ),
    ),
    records: values<ContainerRecord>(keys.containers),
    networks: values<NetworkRecord>(keys.networks),
    leases: values<LeaseRecord>(keys.leases),
    subnets: values<SubnetRecord>(keys.subnets),
    keptLeases: new Set(
      values<LostRecord>(keys.lost).flatMap(({ addresses }) => Object.entries(addresses).map(([network, ip]) => keys.lease(network, ip))),
    ),
    looks: new Map(byHost),
    catalog: catalog.map(sentence),
    foreignKeys,
    unreadable: ledger.unreadable(),
    leftOut: leftOutNow(),
  });
}

function sentence(change: CatalogChange): string {
  switch (change.kind) {
    case 'node':
      return `node ${change.node} is missing or has another address than ${change.address}`;
    case 'register':
      return `${change.service.id} on ${change.service.node} is missing or wrong`;
    case 'deregister':
      return `${change.id} on ${change.node} should not exist`;
    default:
      return `node ${change.node} should not exist`;
  }
}
