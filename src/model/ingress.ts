/** Ports that every host answers for, wherever the instances run: what the leader tells the agents. Plain JSON. */

/** Where one instance is called. */
export interface IngressInstance {
  /** Its host, by name, and that one's address for other hosts. */
  readonly host: string;
  readonly at: string;
  /** Its own address, which its host reaches, and its port there. */
  readonly address: string;
  readonly target: number;
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
}

/** `tcp/8080`. */
export const ingressKey = ({ port, protocol }: Pick<IngressPort, 'port' | 'protocol'>): string => `${protocol}/${port}`;
