/**
 * Which ports of a container every host answers for, as its label `arpanet.ingress` has them: `8080:80,5300:53/udp`. Pure.
 * Source: the short form of ports without an address or a range (compose-spec, services, `ports`).
 */

/** A number at which every host answers, and the port of the container behind it. */
export interface PortClaim {
  /** Port of the hosts. */
  readonly port: number;
  /** Number of the container's port. */
  readonly target: number;
  readonly protocol: 'tcp' | 'udp';
}

const MAX_PORT = 65_535;

/** Undefined for a text of another form, for a number that is no port, and for one that is named twice. */
export function parseIngress(text: string): readonly PortClaim[] | undefined {
  const ports: PortClaim[] = [];
  for (const part of text.split(',')) {
    const [, from = '', to = '', protocol = 'tcp'] = /^\s*(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?\s*$/.exec(part) ?? [];
    const [port, target] = [Number(from), Number(to)];
    const isNumber = port > 0 && port <= MAX_PORT && target > 0 && target <= MAX_PORT;
    if (!isNumber || (protocol !== 'tcp' && protocol !== 'udp')) return undefined;
    if (ports.some((one) => one.port === port && one.protocol === protocol)) return undefined;
    ports.push({ port, target, protocol });
  }
  return ports;
}

/** The text that `parseIngress` reads as these. */
export const formatIngress = (ports: readonly PortClaim[]): string =>
  ports.map(({ port, target, protocol }) => `${port}:${target}/${protocol}`).join(',');

/** A label that cannot be read says nothing: a create with one is refused. */
export const ingressOf = (label: string | null | undefined): readonly PortClaim[] => (label ? (parseIngress(label) ?? []) : []);
