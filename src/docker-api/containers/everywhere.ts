/** What a client published, and every host answers for (`scheduler/networks/publish-mode.ts`), as an Engine tells published ports. Pure. */
import { type ContainerInspect, type ContainerRecord, type ContainerSummary, type HostConfig, labels } from '../../model/index.ts';
import { ingressOf, type PortClaim } from '../../text/ingress-label.ts';

/** Of the label that the cluster wrote, not of one of a service: instances of those have none, as in Swarm mode. */
const claimsOf = (record: ContainerRecord | undefined): readonly PortClaim[] => {
  const given = record?.request.Labels ?? {};
  return given[labels.publish] === 'ingress' ? ingressOf(given[labels.ingress]) : [];
};

/** Docker listens at both (moby libnetwork, `portmapper`). */
const ADDRESSES = ['0.0.0.0', '::'];

/** `ports`: as its Engine says. */
export function withEverywhere(
  ports: NonNullable<ContainerSummary['Ports']>,
  isRunning: boolean,
  record: ContainerRecord | undefined,
): NonNullable<ContainerSummary['Ports']> {
  const claims = isRunning ? claimsOf(record) : [];
  if (claims.length === 0) return ports;
  const isUnpublished = ({ PrivatePort, PublicPort, Type }: (typeof ports)[number]): boolean =>
    PublicPort === undefined && claims.some(({ target, protocol }) => target === PrivatePort && protocol === Type);
  return [
    ...ports.filter((one) => !isUnpublished(one)),
    ...claims.flatMap(({ port, target, protocol }) =>
      ADDRESSES.map((IP) => ({ IP, PrivatePort: target, PublicPort: port, Type: protocol })),
    ),
  ];
}

type Bindings = NonNullable<HostConfig['PortBindings']>;

/** `HostConfig.PortBindings` and `NetworkSettings.Ports`. `bindings`: those of its own host, as they were sent. */
export function bindingsEverywhere(
  { NetworkSettings, State }: ContainerInspect,
  bindings: HostConfig['PortBindings'],
  record: ContainerRecord | undefined,
): { readonly asked: Bindings; readonly bound: Bindings } | undefined {
  const claims = claimsOf(record);
  if (claims.length === 0) return undefined;
  const add = (to: HostConfig['PortBindings'], addresses: readonly string[]): Bindings => {
    const all = new Map(Object.entries(to ?? {}));
    for (const { port, target, protocol } of claims)
      all.set(`${target}/${protocol}`, [
        ...(all.get(`${target}/${protocol}`) ?? []),
        ...addresses.map((HostIp) => ({ HostIp, HostPort: String(port) })),
      ]);
    return Object.fromEntries(all);
  };
  const ports = NetworkSettings['Ports'] as HostConfig['PortBindings'];
  return { asked: add(bindings, ['']), bound: State.Running ? add(ports, ADDRESSES) : (ports ?? {}) };
}
