/** Which of the cluster's published TCP ports lead where. */
import { type ContainerFacts, type ContainerView, labels } from '../model/index.ts';
import { each, fenced } from '../telemetry/left-out.ts';
import { ingressOf } from '../text/ingress-label.ts';

/** A published port on its host, as that host itself calls it. */
export interface Target {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** It wants a line of the PROXY protocol, with the caller's address, before each connection. */
  readonly isProxied?: true;
}

/**
 * By port: where a call to it may go. Several hosts may publish the same port: it is the service's whose container runs longest, and all of
 * that service's instances share it. A port that every host answers for (label `arpanet.ingress`) goes before, to instances that are ready.
 * UDP and SCTP are their hosts' alone. An Engine numbers IPv6 ports for themselves: what a container has
 * at an IPv4 address too is not called there, and a number that anybody has at an IPv4 address is that one's.
 */
export function published(containers: readonly ContainerView[]): ReadonlyMap<number, readonly Target[]> {
  const isUp = (container: ContainerView) => {
    const { State } = container.facts.inspect;
    return container.hostState === 'alive' && State.Running ? [container] : [];
  };
  const running = [...fenced({ kind: 'container', of: 'the published ports' }, containers, ({ name }) => name, isUp)].sort(byStart);
  const ready = running.filter(({ facts }) => ['', 'none', 'healthy'].includes(facts.inspect.State.Health?.Status ?? ''));
  const everywhere = [...claims(running, portsOnAllHosts), ...claims(ready, portsOnAllHosts)];
  return new Map([...claims(running, portsOf6), ...claims(running, portsOf4), ...everywhere]);
}

type Ports = ReadonlyMap<number, Omit<Target, 'host'>>;

function claims(running: readonly ContainerView[], portsOf: (container: ContainerView) => Ports): Map<number, readonly Target[]> {
  const all = new Map<number, { readonly owner: string; readonly targets: Target[] }>();
  const claim = (container: ContainerView): void => {
    const { id, host, record } = container;
    const owner = record === undefined ? id : `${record.deployment}/${record.service}`;
    for (const [port, at] of portsOf(container)) {
      const claimed = all.get(port) ?? { owner, targets: [] };
      all.set(port, claimed);
      if (claimed.owner === owner) claimed.targets.push({ host, ...at });
    }
  };
  each({ kind: 'container', of: `the published ports (${portsOf.name})` }, running, ({ name }) => name, claim);
  return new Map([...all].map(([port, { targets }]) => [port, targets]));
}

/** At the container's own address, which its host reaches. */
function portsOnAllHosts({ record }: ContainerView): Ports {
  const [address] = Object.values(record?.addresses ?? {});
  const claimed = ingressOf(record?.request.Labels?.[labels.ingress]).filter(({ protocol }) => protocol === 'tcp');
  const more = record?.request.Labels?.[labels.proxyProtocol] === 'true' ? { isProxied: true as const } : {};
  return new Map(address === undefined ? [] : claimed.map(({ port, target }) => [port, { address, port: target, ...more }]));
}

/** Ports with the address at which the host itself reaches them: what is on all addresses is on the loopback, too. */
function portsOf4({ facts }: ContainerView): Ports {
  return new Map(
    tcpOf(facts, '4').map(({ IP, PublicPort }) => [PublicPort, { address: IP === '0.0.0.0' ? '127.0.0.1' : IP, port: PublicPort }]),
  );
}

function portsOf6({ facts }: ContainerView): Ports {
  const known = new Set(tcpOf(facts, '4').map(({ PrivatePort }) => PrivatePort));
  const own = tcpOf(facts, '6').filter(({ PrivatePort }) => !known.has(PrivatePort));
  return new Map(own.map(({ IP, PublicPort }) => [PublicPort, { address: IP === '::' ? '::1' : IP, port: PublicPort }]));
}

function tcpOf({ summary }: ContainerFacts, family: '4' | '6') {
  return (summary.Ports ?? []).flatMap(({ IP, PrivatePort, PublicPort, Type }) => {
    if (Type !== 'tcp' || PublicPort === undefined || IP === undefined) return [];
    return IP.includes(':') === (family === '6') ? [{ IP, PrivatePort, PublicPort }] : [];
  });
}

function byStart(a: ContainerView, b: ContainerView): number {
  const [one, other] = [a, b].map(({ facts }) => Date.parse(facts.inspect.State.StartedAt ?? '')) as [number, number];
  return one - other || (a.id < b.id ? -1 : 1);
}
