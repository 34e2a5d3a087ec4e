/**
 * Which instances to move so that hosts are evenly full: the fewest moves that do it. Pure.
 *
 * A host's level is what placement's `spread` compares, without the present load: the share of it that is reserved, and containers per core. Each move
 * goes from a fuller host to an emptier one and lowers the higher level of the two, so no later move undoes it, no instance moves twice, and the plan
 * improves the cluster even when it is not carried out to the end.
 */
import type { PlannedMove, RebalanceRequest } from '../../contracts/index.ts';

export interface FillHost {
  readonly name: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly maxContainers?: number;
  /** All that are not stopped, movable or not, with what they reserve. */
  readonly containers: number;
  readonly reservedCores: number;
  readonly reservedMemoryBytes: number;
}

export interface Movable {
  readonly id: string;
  readonly name: string;
  /** `abc/web`: instances of one service stay as far apart as they are. */
  readonly service: string;
  readonly host: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly hostPorts: readonly string[];
  /** Hosts that placement would let it go to; none: it stays, and counts for its service. */
  readonly fits: ReadonlySet<string>;
}

interface Fill {
  readonly host: FillHost;
  containers: number;
  cores: number;
  memoryBytes: number;
  /** Instances of each service. */
  readonly of: Map<string, number>;
  readonly ports: Set<string>;
}

const RESERVED = 10;
/** Levels are sums of fractions. */
const SAME = 1e-9;

function level({ host, containers, cores, memoryBytes }: Pick<Fill, 'host' | 'containers' | 'cores' | 'memoryBytes'>): number {
  const cpus = Math.max(host.cpus, 0.1);
  const reserved = Math.max(cores / cpus, memoryBytes / Math.max(host.memoryBytes, 1));
  return RESERVED * reserved + containers / cpus;
}

/** How full each host is, by name: for a person to see what a plan is for. */
export const levelsOf = (hosts: readonly FillHost[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    hosts.map((host) => [
      host.name,
      Math.round(level({ host, containers: host.containers, cores: host.reservedCores, memoryBytes: host.reservedMemoryBytes }) * 100) /
        100,
    ]),
  );

export function planRebalance(
  hosts: readonly FillHost[],
  movables: readonly Movable[],
  request: RebalanceRequest = {},
): readonly PlannedMove[] {
  const fills = new Map<string, Fill>(
    hosts.map((host) => [
      host.name,
      {
        host,
        containers: host.containers,
        cores: host.reservedCores,
        memoryBytes: host.reservedMemoryBytes,
        of: new Map(),
        ports: new Set(),
      },
    ]),
  );
  for (const one of movables) count(fills.get(one.host), one.service, 1);
  const left = movables.filter((one) => fills.has(one.host)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const moves: PlannedMove[] = [];
  while (moves.length < (request.max ?? Infinity)) {
    const best = bestMove(fills, left, request.onto);
    if (best === undefined) break;
    const { one, from, to } = best;
    shift(from, one, -1);
    shift(to, one, 1);
    for (const port of one.hostPorts) to.ports.add(port);
    left.splice(left.indexOf(one), 1);
    moves.push({ id: one.id, name: one.name, service: one.service, from: from.host.name, to: to.host.name });
  }
  return moves;
}

interface Candidate {
  readonly one: Movable;
  readonly from: Fill;
  readonly to: Fill;
  /** The fuller of the two, afterwards. */
  readonly top: number;
  /** The level of the target afterwards: of equally good targets the emptiest is chosen. */
  readonly there: number;
}

/** Off the fullest host that something can leave, what evens out most. */
function bestMove(fills: ReadonlyMap<string, Fill>, movables: readonly Movable[], onto: string | undefined): Candidate | undefined {
  const sources = [...fills.values()].toSorted((a, b) => level(b) - level(a) || (a.host.name < b.host.name ? -1 : 1));
  for (const from of sources) {
    let best: Candidate | undefined;
    for (const one of movables) {
      if (one.host !== from.host.name) continue;
      for (const to of fills.values()) {
        if (to === from || (onto !== undefined && to.host.name !== onto) || !canGo(one, from, to)) continue;
        const there = level(after(to, one, 1));
        const top = Math.max(there, level(after(from, one, -1)));
        if (top >= level(from) - SAME) continue;
        if (best !== undefined && (top > best.top + SAME || (top > best.top - SAME && there >= best.there - SAME))) continue;
        best = { one, from, to, top, there };
      }
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

function canGo(one: Movable, from: Fill, to: Fill): boolean {
  const { host } = to;
  const next = after(to, one, 1);
  return (
    one.fits.has(host.name) &&
    next.containers <= (host.maxContainers ?? Infinity) &&
    (one.cores === 0 || next.cores <= host.cpus) &&
    (one.memoryBytes === 0 || next.memoryBytes <= host.memoryBytes) &&
    !one.hostPorts.some((port) => to.ports.has(port)) &&
    (to.of.get(one.service) ?? 0) < (from.of.get(one.service) ?? 0)
  );
}

const after = (fill: Fill, one: Movable, sign: 1 | -1) => ({
  host: fill.host,
  containers: fill.containers + sign,
  cores: fill.cores + sign * one.cores,
  memoryBytes: fill.memoryBytes + sign * one.memoryBytes,
});

function shift(fill: Fill, one: Movable, sign: 1 | -1): void {
  Object.assign(fill, after(fill, one, sign));
  count(fill, one.service, sign);
}

function count(fill: Fill | undefined, service: string, by: number): void {
  fill?.of.set(service, (fill.of.get(service) ?? 0) + by);
}
