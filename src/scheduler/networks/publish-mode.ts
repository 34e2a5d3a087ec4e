/**
 * `docker run -p` and compose's `ports` where the cluster, or the label `arpanet.publish`, says that every host answers for them: such ports become the
 * label `arpanet.ingress`, and the Engine publishes none of them. Pure.
 */
import { clusterUse, type CreateRequest, isOfSwarm, labels, type PortBinding, predefinedNetworks } from '../../model/index.ts';
import { formatIngress, ingressOf, type PortClaim } from '../../text/ingress-label.ts';

/** host: each port is answered at the host of its container; ingress: at every host. */
export type PublishMode = 'host' | 'ingress';

/** The request as it is to be carried out, the same object where nothing changes. `mode`: of the cluster; the label goes before. */
export function published(request: CreateRequest, mode: PublishMode): CreateRequest {
  const given = request.Labels ?? {};
  const { PortBindings, NetworkMode = '' } = request.HostConfig ?? {};
  // the services API says it of each port
  if ((given[labels.publish] || mode) !== 'ingress' || isOfSwarm(given)) return request;
  // on no network of the cluster it has no address that hosts lead to
  if (NetworkMode.startsWith('container:') || predefinedNetworks.has(NetworkMode)) return request;
  const claims: PortClaim[] = [...ingressOf(given[labels.ingress])];
  const rest: [string, readonly PortBinding[] | null][] = [];
  let isAny = false;
  for (const [target, bindings] of Object.entries(PortBindings ?? {})) {
    const kept = (bindings ?? []).filter((binding) => {
      const claim = claimOf(target, binding);
      if (claim === undefined) return true;
      isAny = true;
      if (!claims.some((one) => formatIngress([one]) === formatIngress([claim]))) claims.push(claim);
      return false;
    });
    if (bindings === null || kept.length > 0) rest.push([target, bindings === null ? null : kept]);
  }
  if (!isAny) return request;
  return {
    ...request,
    Labels: { ...given, [labels.ingress]: formatIngress(claims), [labels.publish]: 'ingress' },
    HostConfig: { ...request.HostConfig, PortBindings: Object.fromEntries(rest) },
  };
}

/** Of one number at all addresses. One with an address stays at that, and a range, a number to be chosen and what the cluster has itself stay at the host. */
function claimOf(target: string, { HostIp, HostPort }: PortBinding): PortClaim | undefined {
  const [number, protocol = 'tcp'] = target.split('/');
  if (HostIp || !/^[1-9]\d*$/.test(HostPort ?? '') || (protocol !== 'tcp' && protocol !== 'udp')) return undefined;
  const claim = { port: Number(HostPort), target: Number(number), protocol } as const;
  return clusterUse(claim) === undefined ? claim : undefined;
}
