/** Which of the cluster's published TCP ports lead where. */
import type { ContainerView } from '../model/index.ts';

/** A published port on its host, as that host itself calls it. */
export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/**
 * By port: where a call to it may go. Several hosts may publish the same port: it is the service's whose container runs longest, and all of
 * that service's instances share it. UDP and SCTP are their hosts' alone.
 */
export function published(containers: readonly ContainerView[]): ReadonlyMap<number, readonly Target[]> {
  const claims = new Map<number, { readonly owner: string; readonly targets: Target[] }>();
  const running = containers.filter(({ hostState, facts }) => hostState === 'alive' && facts.inspect.State.Running);
  for (const container of running.toSorted(byStart)) {
    const { id, host, record } = container;
    const owner = record === undefined ? id : `${record.deployment}/${record.service}`;
    for (const [port, address] of portsOf(container)) {
      const claim = claims.get(port) ?? { owner, targets: [] };
      claims.set(port, claim);
      if (claim.owner === owner) claim.targets.push({ host, address, port });
    }
  }
  return new Map([...claims].map(([port, { targets }]) => [port, targets]));
}

/** Ports with the address at which the host itself reaches them: what is on all addresses is on the loopback, too. */
function portsOf({ facts }: ContainerView): ReadonlyMap<number, string> {
  const ports = new Map<number, string>();
  for (const { IP, PublicPort, Type } of facts.summary.Ports ?? []) {
    if (PublicPort === undefined || Type !== 'tcp' || IP === undefined || (IP.includes(':') && ports.has(PublicPort))) continue;
    ports.set(PublicPort, IP === '0.0.0.0' ? '127.0.0.1' : IP === '::' ? '::1' : IP);
  }
  return ports;
}

function byStart(a: ContainerView, b: ContainerView): number {
  const [one, other] = [a, b].map(({ facts }) => Date.parse(facts.inspect.State.StartedAt ?? '')) as [number, number];
  return one - other || (a.id < b.id ? -1 : 1);
}
