/**
 * The hosts that take containers by what is left on each, and by the ports that are taken there: which have room for a request is known without a look at
 * each of them. Pure.
 */
import { firstPlace } from '../first-place.ts';
import { hostPortFilter } from './filters/host-port.ts';
import { containersLeft, maxContainersFilter } from './filters/max-containers.ts';
import { cpuFilter, memoryFilter, unreserved } from './filters/reservations.ts';
import { heldBy, type HostPort, isAny, isV6, parseHostPort } from './host-ports.ts';
import { holding } from './load.ts';
import type { HostSnapshot, PlacementRequest } from './snapshot.ts';

/** Hosts that one rule accepts, or may accept; it refuses all others. */
export interface Room {
  readonly rule: string;
  readonly size: number;
  readonly names: () => readonly string[];
}

export interface HostRoom {
  /** It takes containers. */
  readonly put: (host: HostSnapshot) => void;
  readonly remove: (name: string) => void;
  /** By each rule that asks for room. */
  readonly roomFor: (request: PlacementRequest) => readonly Room[];
}

interface Entry {
  readonly cpu: number;
  readonly memory: number;
  readonly containers: number;
  /** What its containers hold is read again when it has others. */
  readonly of: HostSnapshot['containers'];
  readonly ports: ReadonlySet<string>;
}

const NO_PORTS: ReadonlySet<string> = new Set();

export function createHostRoom(): HostRoom {
  const entries = new Map<string, Entry>();
  const [cpu, memory, containers] = [createLeft(), createLeft(), createLeft()];
  /** By address and port, the hosts where it is taken. */
  const taken = new Map<string, Set<string>>();

  function remove(name: string): void {
    const before = entries.get(name);
    if (before === undefined) return;
    entries.delete(name);
    cpu.move(name, before.cpu, undefined);
    memory.move(name, before.memory, undefined);
    containers.move(name, before.containers, undefined);
    movePorts(name, before.ports, NO_PORTS);
  }

  function movePorts(name: string, before: ReadonlySet<string>, now: ReadonlySet<string>): void {
    if (before === now) return;
    for (const key of before) {
      if (now.has(key)) continue;
      taken.get(key)?.delete(name);
      if (taken.get(key)?.size === 0) taken.delete(key);
    }
    for (const key of now) if (!before.has(key)) taken.set(key, (taken.get(key) ?? new Set()).add(name));
  }

  /** Hosts where one port may be free. */
  function withPort({ ip, from, protocol }: HostPort, { replacesAt = '' }: PlacementRequest): Room {
    const of = `${isV6(ip) ? 'v6' : 'v4'} ${from}/${protocol}`;
    const there = isAny(ip) ? [taken.get(`some ${of}`)] : [taken.get(`all ${of}`), taken.get(`${ip} ${from}/${protocol}`)];
    // A host may be on both lists: the longer one tells enough.
    const [longest = NO_PORTS] = there.flatMap((hosts) => hosts ?? []).toSorted((a, b) => b.size - a.size);
    const size = entries.size - longest.size + (longest.has(replacesAt) ? 1 : 0);
    const isTaken = (name: string): boolean => longest.has(name) && name !== replacesAt;
    return { rule: hostPortFilter.rule, size, names: () => (size === 0 ? [] : [...entries.keys()].filter((name) => !isTaken(name))) };
  }

  return {
    remove,
    put(host) {
      const before = entries.get(host.name);
      const left = unreserved(host, {});
      const ports = before?.of === host.containers ? before.ports : portsOf(host);
      const now = { cpu: left.nanoCpus, memory: left.memoryBytes, containers: containersLeft(host, {}), of: host.containers, ports };
      cpu.move(host.name, before?.cpu, now.cpu);
      memory.move(host.name, before?.memory, now.memory);
      containers.move(host.name, before?.containers, now.containers);
      movePorts(host.name, before?.ports ?? NO_PORTS, ports);
      entries.set(host.name, now);
    },
    roomFor(request) {
      const { reservedNanoCpus, reservedMemoryBytes, hostPorts, replacesAt } = request;
      const by = (rule: string, left: ReturnType<typeof createLeft>, wanted: number): Room => {
        const { size, names } = left.withAtLeast(wanted);
        if (replacesAt === undefined || !entries.has(replacesAt)) return { rule, size, names };
        return { rule, size: size + 1, names: () => [...names(), replacesAt] };
      };
      return [
        ...hostPorts
          .map(parseHostPort)
          .filter(({ from, to }) => from === to)
          .map((port) => withPort(port, request)),
        ...(reservedNanoCpus > 0 ? [by(cpuFilter.rule, cpu, reservedNanoCpus)] : []),
        ...(reservedMemoryBytes > 0 ? [by(memoryFilter.rule, memory, reservedMemoryBytes)] : []),
        by(maxContainersFilter.rule, containers, 1),
      ];
    },
  };
}

/** For each port that a container holds alone: its address, that some address of the family has it taken, and that all have. */
function portsOf(host: HostSnapshot): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const container of holding(host, {}))
    for (const { ip, from, to, protocol } of heldBy(container)) {
      if (from !== to) continue;
      const family = isV6(ip) ? 'v6' : 'v4';
      keys.add(`some ${family} ${from}/${protocol}`).add(`${ip} ${from}/${protocol}`);
      if (isAny(ip)) keys.add(`all ${family} ${from}/${protocol}`);
    }
  return keys.size === 0 ? NO_PORTS : keys;
}

interface Left {
  readonly amount: number;
  readonly name: string;
}

/** Names by an amount each, the least first. */
function createLeft() {
  const sorted: Left[] = [];
  const placeOf = (amount: number, name = ''): number =>
    firstPlace(sorted, (one) => one.amount > amount || (one.amount === amount && one.name >= name));
  return {
    move(name: string, before: number | undefined, now: number | undefined): void {
      if (before === now) return;
      if (before !== undefined) sorted.splice(placeOf(before, name), 1);
      if (now !== undefined) sorted.splice(placeOf(now, name), 0, { amount: now, name });
    },
    withAtLeast(amount: number): { readonly size: number; readonly names: () => readonly string[] } {
      const at = placeOf(amount);
      return { size: sorted.length - at, names: () => sorted.slice(at).map(({ name }) => name) };
    },
  };
}
