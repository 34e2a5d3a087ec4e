/** Host ports that containers hold or ask for: one number, or a range of which one is meant. Pure. */
import type { PlacedContainer } from './snapshot.ts';

export interface HostPort {
  readonly ip: string;
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
}

/** `0.0.0.0:80/tcp`, `[::]:80/tcp`, `::1:8000-8010/udp`: the last colon parts address and ports. */
export function parseHostPort(text: string): HostPort {
  const [, ip = '', from = '', to = from, protocol = 'tcp'] = /^(.*):(\d+)(?:-(\d+))?\/(\w+)$/.exec(text) ?? [];
  return { ip: ip.replace(/^\[(.*)\]$/, '$1'), from: Number(from), to: Number(to), protocol };
}

export const isAny = (ip: string) => ip === '' || ip === '0.0.0.0' || ip === '::';
export const isV6 = (ip: string) => ip.includes(':');

/** One address twice, or any address beside one of its own family; and one protocol. */
export function meet(a: Pick<HostPort, 'ip' | 'protocol'>, b: Pick<HostPort, 'ip' | 'protocol'>): boolean {
  return a.protocol === b.protocol && (a.ip === b.ip || (isV6(a.ip) === isV6(b.ip) && (isAny(a.ip) || isAny(b.ip))));
}

const parsed = new WeakMap<PlacedContainer, readonly HostPort[]>();

/** What the container holds while it runs. */
export function heldBy(container: PlacedContainer): readonly HostPort[] {
  let held = parsed.get(container);
  if (held === undefined) parsed.set(container, (held = container.hostPorts.map(parseHostPort)));
  return held;
}

/** Whose a port is at the endpoint: a service's instances share it. */
export const isSameService = (
  a: { readonly deployment: string; readonly service: string },
  b: { readonly deployment: string; readonly service: string },
): boolean => a.service !== '' && a.deployment === b.deployment && a.service === b.service;
