/** Host ports when containers start, and what a create says of them. */
import { ArpanetError, type ContainerView } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { hostPortsOf } from '../create/identify-needs.ts';
import { heldBy, type HostPort, isSameService, meet, parseHostPort } from '../placement/host-ports.ts';
import type { HostSnapshot, PlacementRequest } from '../placement/snapshot.ts';
import { placedContainer } from '../view/host-snapshots.ts';

/**
 * Throws in the Engine's words (moby libnetwork/portallocator, `ErrPortAlreadyAllocated`) when a container of another service runs, or starts at this
 * moment, with a fixed TCP port of this one on another host, where one address answers for all hosts. What it returns ends the claim: call it once
 * the start has ended.
 */
export function createPortClaims({ deps, view }: Pick<Core, 'deps' | 'view'>): (container: ContainerView) => () => void {
  const starting = new Map<string, ContainerView>();

  function holderOf(port: HostPort, container: ContainerView): ContainerView | undefined {
    const own = placedContainer(container);
    const holds = (other: ContainerView) => {
      if (other.id === container.id || other.host === container.host) return false;
      const placed = placedContainer(other);
      return (
        !isSameService(own, placed) && heldBy(placed).some((held) => held.from === port.from && held.to === port.from && meet(held, port))
      );
    };
    const isUp = ({ hostState, facts }: ContainerView) => hostState === 'alive' && facts.inspect.State.Running;
    return [...starting.values()].find(holds) ?? view.containers().find((other) => isUp(other) && holds(other));
  }

  return (container) => {
    const ports = hostPortsOf(container.facts.inspect.HostConfig.PortBindings).map(parseHostPort);
    const fixed = ports.filter(({ from, to, protocol }) => from === to && protocol === 'tcp');
    if (!deps.settings.isPublishing || fixed.length === 0) return () => {};
    for (const port of fixed) {
      if (holderOf(port, container) !== undefined)
        throw refusedPort(container.name, deps.newId(), `Bind for ${port.ip}:${port.from} failed: port is already allocated`);
    }
    starting.set(container.id, container);
    return () => {
      starting.delete(container.id);
    };
  };
}

/** As an Engine says it at a start. `endpoint`: 64 hex digits. */
export function refusedPort(name: string, endpoint: string, why: string): ArpanetError {
  return new ArpanetError('engine', `driver failed programming external connectivity on endpoint ${name} (${endpoint}): ${why}`, {
    engineStatus: 500,
  });
}

const MOST_WARNINGS = 5;

/** For the answer to a create, where each host answers for itself: fixed ports that others publish on other hosts. Pure. */
export function portWarnings(request: PlacementRequest, hosts: readonly HostSnapshot[], host: string): readonly string[] {
  const fixed = request.hostPorts.map(parseHostPort).filter(({ from, to }) => from === to);
  if (fixed.length === 0) return [];
  const warnings = fixed.flatMap((port) => {
    for (const other of hosts) {
      const holder = other.containers.find(
        (container) =>
          container.state !== 'stopped' &&
          !isSameService(container, request) &&
          heldBy(container).some((held) => held.from === port.from && held.to === port.from && meet(held, port)),
      );
      if (other.name !== host && holder !== undefined)
        return [
          `port ${port.from}/${port.protocol} is published by ${holder.name} on host ${other.name}, too: this container answers at host ${host} only`,
        ];
    }
    return [];
  });
  return warnings.slice(0, MOST_WARNINGS);
}
