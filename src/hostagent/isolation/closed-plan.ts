/** What containers of the cluster must not reach, as rules for iptables' table mangle: no rule of the Engine or of a firewall in the table filter comes before it. Pure. */
import { isIPv6 } from 'node:net';
import { type HostPort, parseHostPort } from '../../text/host-port.ts';
import { INNER_PORT, TUNNEL_PORTS, VXLAN_PORT } from '../../model/ingress.ts';

export const CHAIN = 'ARPANET-INSIDE';
/** Of VXLAN, in the open and inside WireGuard, and of WireGuard. */
const TUNNELS = [VXLAN_PORT, INNER_PORT, ...Object.values(TUNNEL_PORTS)];

export interface Closed {
  /**
   * TCP, at any address: an agent does not know the addresses of all hosts, whose agents have the same port on most of them. Nothing outside of the
   * cluster is reached at that port either, as an Engine with TLS at 2376.
   */
  readonly agentPorts: readonly number[];
  /** TCP, at this host's own addresses: where a Docker Engine may listen. */
  readonly hostPorts: readonly number[];
  /** The API of schedulers. Addresses, no names. */
  readonly schedulers: readonly HostPort[];
}

/** The ports of Docker's Engine (IANA: docker, docker-s), and the one that this host's has. */
export function hostPortsOf(engine: object): readonly number[] {
  return [...new Set([2375, 2376, ...('port' in engine && typeof engine.port === 'number' ? [engine.port] : [])])];
}

/** Where schedulers with these URLs answer: at the ports of all of them, and at those that a scheduler has by its documentation. */
export function schedulersOf(urls: readonly string[]): readonly HostPort[] {
  const found = urls.flatMap(
    (url) => parseHostPort(url.replace(/^\w+:\/\//, '').replace(/\/.*$/, ''), url.startsWith('https:') ? 443 : 80) ?? [],
  );
  const ports = [...new Set([2375, 2376, ...found.map(({ port }) => port)])];
  return [...new Set(found.map(({ host }) => host))].flatMap((host) => ports.map((port) => ({ host, port })));
}

/** Where these rules begin, in the words of `iptables -S`. What a bridge passes between its own containers (in and out are the same) is none of theirs. */
export const JUMPS = [`INPUT -i arp+ -j ${CHAIN}`, `FORWARD -i arp+ ! -o arp+ -j ${CHAIN}`] as const;

/** Rules of the chain, in the words of `iptables -S`, for one family of addresses. */
export function closedRules(family: 4 | 6, { agentPorts, hostPorts, schedulers }: Closed): readonly string[] {
  const bits = family === 6 ? 128 : 32;
  const isOfFamily = (address: string): boolean => isIPv6(address) === (family === 6);
  const rules = [
    ...TUNNELS.map((port) => `-p udp -m udp --dport ${port} -j DROP`),
    ...agentPorts.map((port) => `-p tcp -m tcp --dport ${port} -j DROP`),
    ...hostPorts.map((port) => `-p tcp -m tcp --dport ${port} -m addrtype --dst-type LOCAL -j DROP`),
    ...schedulers.flatMap(({ host, port }) => (isOfFamily(host) ? [`-d ${host}/${bits} -p tcp -m tcp --dport ${port} -j DROP`] : [])),
  ];
  return [...new Set(rules)].toSorted();
}

/** Our lines of `iptables -t mangle -S`. */
export function ownLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => new RegExp(`^-A (?:${CHAIN} |.* -j ${CHAIN}$)`).test(line));
}

/** For `iptables-restore --noflush`: fills the chain, and puts back the jumps that are not among the lines present. */
export function restoreText(rules: readonly string[], present: readonly string[]): string {
  const jumps = JUMPS.filter((jump) => !present.includes(`-A ${jump}`));
  return [
    '*mangle',
    `:${CHAIN} - [0:0]`,
    ...rules.map((rule) => `-A ${CHAIN} ${rule}`),
    ...jumps.map((jump) => `-I ${jump}`),
    'COMMIT',
    '',
  ].join('\n');
}
