import type { Filter } from './filter.ts';
import { holding } from '../load.ts';
import { heldBy, type HostPort, meet, parseHostPort } from '../host-ports.ts';
import type { HostSnapshot, PlacedContainer, PlacementRequest } from '../snapshot.ts';

interface Held extends HostPort {
  readonly by: PlacedContainer;
}

/** What containers hold, by number, and the ranges of which no number is known. A request may ask for thousands of ports, of each of many hosts. */
interface HeldPorts {
  readonly single: ReadonlyMap<number, readonly Held[]>;
  readonly spans: readonly Held[];
}

const heldPorts = new WeakMap<readonly PlacedContainer[], HeldPorts>();

function heldOf(containers: readonly PlacedContainer[]): HeldPorts {
  const known = heldPorts.get(containers);
  if (known !== undefined) return known;
  const all = containers.flatMap((container) => heldBy(container).map((port) => ({ ...port, by: container })));
  const single = new Map<number, Held[]>();
  for (const port of all) if (port.from === port.to) single.set(port.from, [...(single.get(port.from) ?? []), port]);
  const spans = all.filter(({ from, to }) => from !== to).toSorted((a, b) => a.to - a.from - (b.to - b.from));
  const made = { single, spans };
  heldPorts.set(containers, made);
  return made;
}

/**
 * A range (`8000-8010`) is taken when each of its ports is; who asked for one holds a single port of it, the first that is free. Returns who
 * holds the first one.
 */
function holderOf(wanted: HostPort, { single, spans }: HeldPorts): PlacedContainer | undefined {
  const holders = new Map<number, PlacedContainer>();
  for (let port = wanted.from; port <= wanted.to; port++) {
    const holder = single.get(port)?.find((held) => meet(held, wanted));
    if (holder !== undefined) holders.set(port, holder.by);
    else if (spans.length === 0) return undefined;
  }
  for (const { from, to, by } of spans.filter((held) => meet(held, wanted))) {
    let port = from;
    while (port < to && (holders.has(port) || single.get(port)?.some((held) => meet(held, wanted)) === true)) port++;
    if (!holders.has(port)) holders.set(port, by);
  }
  for (let port = wanted.from; port <= wanted.to; port++) if (!holders.has(port)) return undefined;
  return holders.get(wanted.from);
}

const parsed = new WeakMap<readonly string[], readonly HostPort[]>();

function wantedBy({ hostPorts }: PlacementRequest): readonly HostPort[] {
  const known = parsed.get(hostPorts) ?? hostPorts.map(parseHostPort);
  parsed.set(hostPorts, known);
  return known;
}

/** Its proxy takes them at all addresses. */
const isOfProxy = ({ from, to, protocol }: HostPort, { httpPorts = [] }: HostSnapshot): boolean =>
  from === to && protocol === 'tcp' && httpPorts.includes(from);

/** `proxy`: the host's own, for HTTP by name. */
function* taken(
  request: PlacementRequest,
  host: HostSnapshot,
): Generator<{ readonly text: string; readonly holder: PlacedContainer | 'proxy' }> {
  const held = heldOf(holding(host, request));
  for (const [i, wanted] of wantedBy(request).entries()) {
    const holder = holderOf(wanted, held) ?? (isOfProxy(wanted, host) ? 'proxy' : undefined);
    if (holder !== undefined) yield { text: request.hostPorts[i] ?? '', holder };
  }
}

/** Names of other deployments are not for everybody who reads why. */
function nameFor({ deployment }: PlacementRequest, holder: PlacedContainer | 'proxy'): string {
  if (holder === 'proxy') return "the host's proxy for HTTP by name";
  return holder.deployment === deployment ? holder.name : 'a container outside of its deployment';
}

/** A stopped container holds no port, and one that is being replaced gives its ports to its successor. */
export const hostPortFilter: Filter = {
  rule: 'host-port',
  applies: (request) => request.hostPorts.length > 0,
  accepts: (request, host) => taken(request, host).next().done === true,
  explain: (request, host) =>
    [...taken(request, host)].map(({ text, holder }) => `host port ${text} is taken by ${nameFor(request, holder)}`).join(' and '),
};
