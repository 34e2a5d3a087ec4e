/** A published port that every host answers for is one service's in the whole cluster: who asks for it second is refused at the create. */
import { ArpanetError, clusterUse, type ContainerRecord, type CreateRequest, labels, serviceName } from '../../model/index.ts';
import { urlPort } from '../../text/host-port.ts';
import { ingressOf } from '../../text/ingress-label.ts';
import type { Core } from '../core.ts';
import { refuseTakenNames } from './http-claims.ts';
import { whoHas } from './who-has.ts';
import { heldBy, isSameService, parseHostPort } from '../placement/host-ports.ts';
import { placedContainer } from '../view/host-snapshots.ts';

interface Asking {
  readonly deployment: string;
  readonly service: string;
  /** `0.0.0.0:80/tcp` */
  readonly hostPorts: readonly string[];
  /** Names of containers that will be gone then. */
  readonly replaced?: ReadonlySet<string>;
}

/** Throws `conflict` for a port that the cluster itself has on its hosts. */
export function refuseClusterPorts({ summaries, deps }: Pick<Core, 'summaries' | 'deps'>, given: CreateRequest['Labels']): void {
  const own = ingressOf(given?.[labels.ingress]);
  if (own.length === 0) return;
  const urls = [deps.leader.url, ...(deps.settings.agentSettings().schedulers ?? [])];
  const apis = [...summaries.pool().apiPorts(), ...urls.flatMap((url) => urlPort(url) ?? [])];
  for (const claim of own) {
    const use = clusterUse(claim, apis);
    if (use !== undefined)
      throw new ArpanetError('conflict', `port '${claim.port}/${claim.protocol}' cannot be one that every host answers for: ${use}`);
  }
}

/** Throws for a port or a name of HTTP that is another service's, as the two that it calls say. */
export function refuseClaimed(
  core: Pick<Core, 'view' | 'summaries' | 'recordIndex'>,
  asking: Asking,
  given: CreateRequest['Labels'],
): void {
  refuseTakenPorts(core, asking, given);
  refuseTakenNames(core, asking, given);
}

/** Throws `conflict` in swarmkit's words (manager/controlapi/service.go, `checkPortConflicts`). Looks at those that have the port, and no others. */
export function refuseTakenPorts(
  { view, summaries, recordIndex }: Pick<Core, 'view' | 'summaries' | 'recordIndex'>,
  asking: Asking,
  given: CreateRequest['Labels'],
): void {
  const own = ingressOf(given?.[labels.ingress]);
  const fixed = asking.hostPorts.map(parseHostPort).filter(({ from, to }) => from === to);
  if (own.length + fixed.length === 0) return;
  const pool = summaries.pool();
  if (own.length > 0 && pool.isAnyAlive() && !pool.isAnswered('ports'))
    throw new ArpanetError(
      'unsupported',
      `no host can answer for the ports of label ${labels.ingress}: install nftables on the hosts, and let no agent run with --overlay none`,
    );
  const refuse = (port: number, holder: Pick<ContainerRecord, 'deployment' | 'service'>, mode: string) =>
    new ArpanetError('conflict', `port '${port}' is already in use by ${whoHas(asking, holder, serviceName(holder))} as ${mode} port`);
  const begun = recordIndex.unseen().filter(({ request }) => request.Labels?.[labels.ingress]);
  const keeps = ({ name }: { readonly name: string }): boolean => asking.replaced?.has(name) !== true;
  for (const { port, protocol } of [...own, ...fixed.map(({ from, protocol }) => ({ port: from, protocol }))]) {
    const holders = [...view.withIngress(port, protocol).flatMap(({ record }) => record ?? []), ...begun];
    const holder = holders.find(
      (one) =>
        keeps(one) &&
        !isSameService(one, asking) &&
        ingressOf(one.request.Labels?.[labels.ingress]).some((claim) => claim.port === port && claim.protocol === protocol),
    );
    if (holder !== undefined) throw refuse(port, holder, 'an ingress');
  }
  for (const { port, protocol } of own) {
    const holder = view.withPort(port, protocol).find((one) => {
      const placed = placedContainer(one);
      const holds = heldBy(placed).some((held) => held.from === port && held.to === port && held.protocol === protocol);
      return holds && keeps(one) && placed.state !== 'stopped' && one.hostState === 'alive' && !isSameService(placed, asking);
    });
    if (holder !== undefined) throw refuse(port, placedContainer(holder), 'a host-published');
  }
}
