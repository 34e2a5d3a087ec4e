import type { Filter } from './filter.ts';
import { holding } from '../load.ts';
import { heldBy, type HostPort, meet, parseHostPort } from '../host-ports.ts';
import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';

/**
 * A range (`8000-8010`) is taken when each of its ports is; who asked for one holds a single port of it, the first that is free. Returns who
 * holds the first one.
 */
function holderOf(wanted: HostPort, request: PlacementRequest, host: HostSnapshot): string | undefined {
  const held = holding(host, request)
    .flatMap((container) => heldBy(container).map((port) => ({ ...port, name: container.name })))
    .filter((one) => meet(one, wanted));
  const holders = new Map<number, string>();
  for (const { from, to, name } of held.toSorted((a, b) => a.to - a.from - (b.to - b.from))) {
    let port = from;
    while (port < to && holders.has(port)) port++;
    if (!holders.has(port)) holders.set(port, name);
  }
  for (let port = wanted.from; port <= wanted.to; port++) if (!holders.has(port)) return undefined;
  return holders.get(wanted.from);
}

const taken = (request: PlacementRequest, host: HostSnapshot) =>
  request.hostPorts.flatMap((text) => {
    const holder = holderOf(parseHostPort(text), request, host);
    return holder === undefined ? [] : [{ text, holder }];
  });

/** A stopped container holds no port, and one that is being replaced gives its ports to its successor. */
export const hostPortFilter: Filter = {
  rule: 'host-port',
  applies: (request) => request.hostPorts.length > 0,
  accepts: (request, host) => taken(request, host).length === 0,
  explain: (request, host) =>
    taken(request, host)
      .map(({ text, holder }) => `host port ${text} is taken by ${holder}`)
      .join(' and '),
};
