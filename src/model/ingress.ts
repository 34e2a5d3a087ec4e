/** Ports that every host answers for, wherever the instances run: what the leader tells the agents. Plain JSON. */

/** Where one instance is called. */
export interface IngressInstance {
  /** Its host, by name, and that one's address for other hosts. */
  readonly host: string;
  readonly at: string;
  /** Its own address, which its host reaches. */
  readonly address: string;
  /** Number of its port there. */
  readonly target: number;
  /** The same of IPv6: its host's for other hosts, and its own. Absent: there is none. */
  readonly at6?: string;
  readonly address6?: string;
  /** It wants a line of the PROXY protocol before each connection: agents carry calls of its port. */
  readonly isProxied?: true;
}

/** One published port, and the instances that it leads to now; without any it is held and answers nothing. */
export interface IngressPort {
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly instances: readonly IngressInstance[];
}

/** All that a host needs to answer for them. */
export interface IngressTable {
  readonly ports: readonly IngressPort[];
  /** Addresses of the cluster's hosts: what they pass on stays on the host that it came to. */
  readonly hosts: readonly string[];
  /** Their IPv6 addresses. Absent: none has one. */
  readonly hosts6?: readonly string[];
}

/** UDP, of VXLAN (RFC 7348 section 5). */
export const VXLAN_PORT = 4789;
/** UDP, where WireGuard listens. */
export const TUNNEL_PORTS: Readonly<Record<'a' | 'b', number>> = { a: 7376, b: 7377 };
/** UDP, of VXLAN inside WireGuard: nothing else uses it, so that what comes or goes by another link can be dropped. */
export const INNER_PORT = 7374;
/** TCP, where a host's agent takes what another's carries to an instance here with a line of the PROXY protocol. */
export const PROXY_HOP_PORT = 7379;
/** TCP, of Docker's API, and by their documentation of agents and schedulers (IANA: docker, docker-s). */
const DOCKER_PORTS = [2375, 2376];
const WIREGUARD_PORTS = [INNER_PORT, ...Object.values(TUNNEL_PORTS)];

/**
 * Why no service can have the port on every host, as the end of a sentence: who held it there would end the cluster's own work. `apis`: TCP ports of agents, schedulers and proxies.
 * Undefined: it can.
 */
export function clusterUse({ port, protocol }: Pick<IngressPort, 'port' | 'protocol'>, apis: readonly number[] = []): string | undefined {
  if (port === 53) return 'the cluster has it for DNS on every host';
  if (protocol === 'tcp')
    return [...DOCKER_PORTS, PROXY_HOP_PORT, ...apis].includes(port)
      ? 'Docker, agents, schedulers or the proxies of HTTP by name have it'
      : undefined;
  if (port === VXLAN_PORT) return 'the cluster has it for VXLAN on every host';
  return WIREGUARD_PORTS.includes(port) ? 'the cluster has it for WireGuard on every host' : undefined;
}

/** `tcp/8080`. */
export const ingressKey = ({ port, protocol }: Pick<IngressPort, 'port' | 'protocol'>): string => `${protocol}/${port}`;
