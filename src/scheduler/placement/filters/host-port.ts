import type { Filter } from './filter.ts';
import { holding } from '../load.ts';
import type { HostSnapshot, PlacementRequest } from '../snapshot.ts';

interface HostPort {
  readonly ip: string;
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
}

/** `0.0.0.0:80/tcp`, `[::]:80/tcp`, `::1:8000-8010/udp`: the last colon parts address and ports. */
function parse(text: string): HostPort {
  const [, ip = '', from = '', to = from, protocol = 'tcp'] = /^(.*):(\d+)(?:-(\d+))?\/(\w+)$/.exec(text) ?? [];
  return { ip: ip.replace(/^\[(.*)\]$/, '$1'), from: Number(from), to: Number(to), protocol };
}

const isAny = (ip: string) => ip === '' || ip === '0.0.0.0' || ip === '::';
const isV6 = (ip: string) => ip.includes(':');

/** One address twice, or any address beside one of its own family. */
function meet(a: string, b: string): boolean {
  return a === b || (isV6(a) === isV6(b) && (isAny(a) || isAny(b)));
}

/**
 * A range (`8000-8010`) is taken when each of its ports is; who asked for one holds a single port of it, the first that is free. Returns who
 * holds the first one.
 */
function holderOf(wanted: HostPort, request: PlacementRequest, host: HostSnapshot): string | undefined {
  const held = holding(host, request)
    .flatMap((container) => container.hostPorts.map((text) => ({ ...parse(text), name: container.name })))
    .filter((one) => one.protocol === wanted.protocol && meet(one.ip, wanted.ip));
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
    const holder = holderOf(parse(text), request, host);
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
