/** What containers of the cluster must not reach, as rules for iptables' table mangle: no rule of the Engine or of a firewall in the table filter comes before it. Pure. */
import { isIP, isIPv6 } from 'node:net';
import { type HostPort, parseHostPort } from '../../text/host-port.ts';
import { HTTP_HOP_PORT } from '../../model/http.ts';
import { INNER_PORT, PROXY_HOP_PORT, TUNNEL_PORTS, VXLAN_PORT } from '../../model/ingress.ts';
import { DEFAULT_BRIDGE } from '../overlay/plan.ts';

export const CHAIN = 'ARPANET-INSIDE';
/** One rule for each address of a host; only what goes to one of their ports is compared with all of them. */
export const HOSTS_CHAIN = 'ARPANET-HOSTS';
/** Of VXLAN, in the open and inside WireGuard, and of WireGuard. */
const TUNNELS = [VXLAN_PORT, INNER_PORT, ...Object.values(TUNNEL_PORTS)];
/** Of Docker's Engine (IANA: docker, docker-s); agents and schedulers have them by their documentation. */
const DOCKER_PORTS = [2375, 2376];
/** Closed on every host. A container that calls another host has the address of its own host there, which that one's proxy listens to. */
const HOST_PORTS = [...DOCKER_PORTS, HTTP_HOP_PORT, PROXY_HOP_PORT];
/** Of one rule (iptables-extensions(8), multiport). */
const MOST_PORTS = 15;

export interface Closed {
  /** TCP, at this host's own addresses: where its agent and its Engine listen, besides Docker's ports and the proxies'. */
  readonly ownPorts: readonly number[];
  /** By the address of a host, the TCP ports of agents there; Docker's and the proxies' are closed, too. Undefined: no leader has named them yet, and this host's ports are closed at any address. */
  readonly hosts: ReadonlyMap<string, readonly number[]> | undefined;
  /** The API of schedulers. Addresses, no names. */
  readonly schedulers: readonly HostPort[];
}

/** The rules of each chain, in the words of `iptables -S`. */
export type Rules = ReadonlyMap<string, readonly string[]>;

/** The ports of this host's agent and, where it has one, of its Engine. */
export const ownPortsOf = (agent: number, engine: object): readonly number[] => [
  agent,
  ...('port' in engine && typeof engine.port === 'number' ? [engine.port] : []),
];

/** What the leader says of hosts, `ADDRESS:PORT` each. */
export function hostsOf(gateways: Iterable<string>): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const text of gateways) {
    const { host = '', port = 0 } = parseHostPort(text) ?? {};
    if (isIP(host) !== 0) found.set(host, [...(found.get(host) ?? []), port]);
  }
  return found;
}

/** Where schedulers with these URLs answer: at the ports of all of them, and at those that a scheduler has by its documentation. */
export function schedulersOf(urls: readonly string[]): readonly HostPort[] {
  const found = urls.flatMap(
    (url) => parseHostPort(url.replace(/^\w+:\/\//, '').replace(/\/.*$/, ''), url.startsWith('https:') ? 443 : 80) ?? [],
  );
  const ports = [...new Set([...DOCKER_PORTS, ...found.map(({ port }) => port)])];
  return [...new Set(found.map(({ host }) => host))].flatMap((host) => ports.map((port) => ({ host, port })));
}

/** Where these rules begin on a host, in the words of `iptables -S`. What a bridge passes between its own containers (in and out are the same) is none of theirs. */
export const JUMPS: readonly string[] = ['arp+', DEFAULT_BRIDGE].flatMap((bridge) => [
  `INPUT -i ${bridge} -j ${CHAIN}`,
  `FORWARD -i ${bridge} ! -o ${bridge} -j ${CHAIN}`,
]);

/** Where they begin in the network of a container that is on a wire of its host (macvlan, ipvlan), and so passes none of the host's rules. */
export const WIRE_JUMPS: readonly string[] = [`OUTPUT ! -o lo -j ${CHAIN}`];

/** For one family of addresses. `isHost`: on a host, and not in a container's network, where what is local is the container's own. */
export function closedRules(family: 4 | 6, { ownPorts, hosts, schedulers }: Closed, isHost = true): Rules {
  const bits = family === 6 ? 128 : 32;
  const isOfFamily = (address: string): boolean => isIPv6(address) === (family === 6);
  const to = (port: number): string => `-p tcp -m tcp --dport ${port}`;
  const own = [...HOST_PORTS, ...ownPorts];
  const ports = hosts === undefined ? own : [...HOST_PORTS, ...[...hosts.values()].flat()];
  const rules = [
    ...TUNNELS.map((port) => `-p udp -m udp --dport ${port} -j DROP`),
    ...(isHost ? own.map((port) => `${to(port)} -m addrtype --dst-type LOCAL -j DROP`) : []),
    ...ports.map((port) => `${to(port)} -j ${hosts === undefined ? 'DROP' : HOSTS_CHAIN}`),
    ...schedulers.flatMap(({ host, port }) => (isOfFamily(host) ? [`-d ${host}/${bits} ${to(port)} -j DROP`] : [])),
  ];
  const ofHosts = [...(hosts ?? [])].flatMap(([address, agents]) => {
    const all = [...new Set([...HOST_PORTS, ...agents])].slice(0, MOST_PORTS);
    return isOfFamily(address) ? [`-d ${address}/${bits} -p tcp -m multiport --dports ${all.join()} -j DROP`] : [];
  });
  return new Map([
    [CHAIN, [...new Set(rules)].toSorted()],
    [HOSTS_CHAIN, ofHosts.toSorted()],
  ]);
}

/** Our lines of `iptables -t mangle -S`. */
export function ownLines(text: string): readonly string[] {
  const own = new RegExp(`^-A (?:${CHAIN} |${HOSTS_CHAIN} |.* -j ${CHAIN}$)`);
  return text.split('\n').filter((line) => own.test(line));
}

/** For `iptables-restore --noflush`: fills the chains, and puts back the jumps that are not among the lines present. */
export function restoreText(rules: Rules, jumps: readonly string[], present: readonly string[]): string {
  return [
    '*mangle',
    ...[...rules.keys()].map((chain) => `:${chain} - [0:0]`),
    ...[...rules].flatMap(([chain, all]) => all.map((rule) => `-A ${chain} ${rule}`)),
    ...jumps.filter((jump) => !present.includes(`-A ${jump}`)).map((jump) => `-I ${jump}`),
    'COMMIT',
    '',
  ].join('\n');
}
