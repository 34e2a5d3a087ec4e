/** What moves off a host, and what cannot and why. Pure. */
import type { UnmovedContainer } from '../../contracts/index.ts';
import { type ContainerView, labels, type ServiceView } from '../../model/index.ts';
import { reschedulePolicyOf } from '../../text/reschedule-policy.ts';
import { scaleRefusal } from '../replicas/template.ts';

export interface DrainPlan {
  readonly moves: readonly { readonly service: ServiceView; readonly container: ContainerView }[];
  /** Of services that run once on every host: they are removed, and created again when the host takes containers. Of jobs: created again elsewhere. */
  readonly ends: readonly { readonly service: ServiceView; readonly container: ContainerView }[];
  readonly stays: readonly UnmovedContainer[];
}

export function planDrain(host: string, services: readonly ServiceView[], containers: readonly ContainerView[]): DrainPlan {
  const moves: { service: ServiceView; container: ContainerView }[] = [];
  const ends: typeof moves = [];
  const stays: UnmovedContainer[] = [];
  const owners = new Map(services.flatMap((service) => service.instances.map((container) => [container.id, service] as const)));
  for (const container of containers.filter((one) => one.host === host)) {
    const service = owners.get(container.id);
    const isOfJob = service?.record?.job !== undefined;
    // what has ended there has ended
    if (isOfJob && !container.facts.inspect.State.Running) continue;
    if (service !== undefined && (isOfJob || service.record?.isGlobal === true)) {
      ends.push({ service, container });
      continue;
    }
    const why = whyItStays(container, service);
    if (why !== undefined) stays.push({ container: container.name, why });
    else if (service !== undefined) moves.push({ service, container });
  }
  return { moves, ends, stays };
}

/** Why it cannot be moved to another host, for a person; undefined: it can, though one of a fixed name or address stops before it starts there. */
export function whyItStays(container: ContainerView, service: ServiceView | undefined): string | undefined {
  const { inspect, summary } = container.facts;
  if (container.record === undefined) return 'it was created on the host itself, not through arpanet';
  if (service?.template === undefined)
    return reschedulePolicyOf(labels.reschedule, container.record.request).policy === 'on-host-failure'
      ? 'a single container cannot start elsewhere before it stops here, and its policy is for a lost host; remove it and run it again'
      : 'no policy: it is a single container of "docker run" without a label that lets it run elsewhere; remove it and run it again';
  if (service.record?.job !== undefined) return 'it is of a job, and ends by itself';
  if (service.record?.isGlobal === true) return 'its service runs once on every host';
  if (!inspect.State.Running) return 'it does not run: remove it and create it again to start it elsewhere';
  const volume = summary.Mounts?.find((mount) => mount.Type === 'volume' && mount.Name !== undefined && mount.Name.length !== 64);
  if (volume !== undefined) return `its data is in the local volume ${volume.Name ?? ''} on this host`;
  const bind = summary.Mounts?.find((mount) => mount.Type === 'bind');
  if (bind !== undefined) return `it uses the host's own path ${bind.Source ?? ''}`;
  const mode = inspect.HostConfig.NetworkMode ?? '';
  if (mode.startsWith('container:')) return 'it shares the network of another container on this host';
  return undefined;
}

/** Why it is not moved only to make hosts evenly full. */
export function whyItIsLeft(container: ContainerView, service: ServiceView | undefined): string | undefined {
  const refusal = service?.template === undefined ? undefined : scaleRefusal(service.template, 2);
  return whyItStays(container, service) ?? (refusal && `its replacement cannot be started before it stops: ${refusal}`);
}
