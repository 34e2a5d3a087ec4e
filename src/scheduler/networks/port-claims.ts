/** Host ports when containers start, and what a create says of them. */
import { ArpanetError, type ContainerRecord, type ContainerView } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { hostPortsOf } from '../create/identify-needs.ts';
import { heldBy, type HostPort, isSameService, meet, parseHostPort } from '../placement/host-ports.ts';
import type { PortHolder, PortHolders } from '../placement/choose-ports.ts';
import type { PlacementRequest } from '../placement/snapshot.ts';
import { placedContainer, placedRecord } from '../view/host-snapshots.ts';
import type { ViewReader } from '../view/roles.ts';

/**
 * Throws in the Engine's words (moby libnetwork/portallocator, `ErrPortAlreadyAllocated`) when a container of another service runs, or starts at this
 * moment, with a fixed TCP port of this one on another host, where one address answers for all hosts. What it returns ends the claim: call it once
 * the start has ended.
 */
export function createPortClaims({ deps, view }: Pick<Core, 'deps' | 'view'>): (container: ContainerView) => () => void {
  /** By port, by container. */
  const starting = new Map<number, Map<string, ContainerView>>();

  function holderOf(port: HostPort, container: ContainerView): ContainerView | undefined {
    const own = placedContainer(container);
    const holds = (other: ContainerView) => {
      if (other.id === container.id || other.host === container.host) return false;
      const placed = placedContainer(other);
      return !isSameService(own, placed) && heldBy(placed).some((held) => isAt(held, port));
    };
    const isUp = ({ hostState, facts }: ContainerView) => hostState === 'alive' && facts.inspect.State.Running;
    const begun = [...(starting.get(port.from)?.values() ?? [])].find(holds);
    return begun ?? view.withPort(port.from, port.protocol).find((other) => isUp(other) && holds(other));
  }

  return (container) => {
    const ports = hostPortsOf(container.facts.inspect.HostConfig.PortBindings).map(parseHostPort);
    const fixed = ports.filter(({ from, to, protocol }) => from === to && protocol === 'tcp');
    if (!deps.settings.isPublishing || fixed.length === 0) return () => {};
    for (const port of fixed) {
      if (holderOf(port, container) !== undefined)
        throw refusedPort(container.name, deps.newId(), `Bind for ${port.ip}:${port.from} failed: port is already allocated`);
    }
    for (const { from } of fixed) starting.set(from, (starting.get(from) ?? new Map()).set(container.id, container));
    return () => {
      for (const { from } of fixed) {
        starting.get(from)?.delete(container.id);
        if (starting.get(from)?.size === 0) starting.delete(from);
      }
    };
  };
}

/** It has this number, and no other: of a range that is open somebody else may take it. */
const isAt = (held: HostPort, port: HostPort): boolean => held.from === port.from && held.to === port.from && meet(held, port);

/** As an Engine says it at a start. `endpoint`: 64 hex digits. */
export function refusedPort(name: string, endpoint: string, why: string): ArpanetError {
  return new ArpanetError('engine', `driver failed programming external connectivity on endpoint ${name} (${endpoint}): ${why}`, {
    engineStatus: 500,
  });
}

/** `creating`: records of creates under way, which the view does not show yet. */
export function portHolders(view: Pick<ViewReader, 'withPort'>, creating: () => readonly ContainerRecord[]): PortHolders {
  let begun: readonly PortHolder[] | undefined;
  return (port, protocol) => [
    ...view.withPort(port, protocol).map((container) => ({ host: container.host, container: placedContainer(container) })),
    ...(begun ??= creating().map((record) => ({ host: record.host, container: placedRecord(record) }))).filter(({ container }) =>
      heldBy(container).some((held) => held.protocol === protocol && held.from <= port && port <= held.to),
    ),
  ];
}

const MOST_WARNINGS = 5;

/** For the answer to a create, where each host answers for itself: fixed ports that others publish on other hosts. Pure. */
export function portWarnings(request: PlacementRequest, holders: PortHolders, host: string): readonly string[] {
  const fixed = request.hostPorts.map(parseHostPort).filter(({ from, to }) => from === to);
  const warnings: string[] = [];
  for (const port of fixed) {
    const other = holders(port.from, port.protocol).find(
      (holder) =>
        holder.host !== host &&
        holder.container.state !== 'stopped' &&
        !isSameService(holder.container, request) &&
        heldBy(holder.container).some((held) => isAt(held, port)),
    );
    if (other === undefined) continue;
    warnings.push(
      `port ${port.from}/${port.protocol} is published by ${other.container.name} on host ${other.host}, too: this container answers at host ${host} only`,
    );
    if (warnings.length === MOST_WARNINGS) break;
  }
  return warnings;
}
