/** Which containers of lost hosts are replaced now, and which wait for what. Pure. */
import { composeLabels, type ContainerView, type CreateRequest, labels, type ServiceId } from '../../model/index.ts';
import { fenced } from '../../telemetry/left-out.ts';
import { reschedulePolicyOf } from '../../text/reschedule-policy.ts';
import { serviceOf } from '../counted-service.ts';

export interface RescheduleInput {
  readonly containers: readonly ContainerView[];
  /** Hosts that have been down for so long that what ran there is started elsewhere. */
  readonly lostHosts: ReadonlySet<string>;
  /** Whether the service's count is maintained. */
  readonly isHeld: (id: ServiceId) => boolean;
  /** Whether `restart: always` or `unless-stopped` is enough for what nothing ties to its host. */
  readonly isRestartEnough: boolean;
  /** Ids of instances that a user stopped. */
  readonly stopped: ReadonlySet<string>;
}

export interface Waiting {
  readonly container: ContainerView;
  readonly why: string;
}

export interface ReschedulePlan {
  /** To be replaced now. */
  readonly replace: readonly ContainerView[];
  readonly wait: readonly Waiting[];
  /** Replacements that were created and never started. */
  readonly start: readonly ContainerView[];
}

export function planReschedule(input: RescheduleInput): ReschedulePlan {
  const { containers, lostHosts, stopped } = input;
  const check = (container: ContainerView) => {
    const isLost = lostHosts.has(container.host) && ran(container) && !stopped.has(container.id);
    return isLost && mayMove(container, input) ? [{ container, why: unmet(container, containers) }] : [];
  };
  const begun = (container: ContainerView) => {
    const { record, hostState, facts } = container;
    const isReplacement = record?.movedFrom !== undefined && record.movedFrom.isUnstarted !== true;
    return isReplacement && hostState === 'alive' && facts.inspect.State.Status === 'created' ? [container] : [];
  };
  const checked = [...fenced({ kind: 'container', of: 'the replacement of lost containers' }, containers, ({ name }) => name, check)];
  return {
    replace: checked.flatMap(({ container, why }) => (why === undefined ? [container] : [])),
    wait: checked.flatMap(({ container, why }) => (why === undefined ? [] : [{ container, why }])),
    start: [...fenced({ kind: 'container', of: 'the start of replacements' }, containers, ({ name }) => name, begun)],
  };
}

function ran({ facts }: ContainerView): boolean {
  const { Running, Restarting } = facts.inspect.State;
  return Running || Restarting;
}

/** The policy decides, ours or classic Swarm's; without one, whether its service has a maintained count, or its restart policy. */
export function mayMove(
  { record }: ContainerView,
  { isHeld, isRestartEnough }: Pick<RescheduleInput, 'isHeld' | 'isRestartEnough'>,
): boolean {
  if (record === undefined) return false;
  const { policy } = reschedulePolicyOf(labels.reschedule, record.request);
  if (policy === 'on-host-failure') return true;
  const service = serviceOf(record.request);
  if (policy === 'off' || service === undefined) return false;
  return isHeld(service) || (isRestartEnough && wantsToRunAnywhere(record.request));
}

/** A compose service whose user wants it to run always, and that has no data, path, port or namespace of its host. Of `docker run` nobody knows that. */
function wantsToRunAnywhere({ Labels, HostConfig, Volumes }: CreateRequest): boolean {
  if (Labels?.[composeLabels.service] === undefined) return false;
  const { RestartPolicy, Binds, Mounts, PortBindings, PublishAllPorts, NetworkMode = '', VolumesFrom, Devices } = HostConfig ?? {};
  if (RestartPolicy?.Name !== 'always' && RestartPolicy?.Name !== 'unless-stopped') return false;
  const isAny = (list: unknown): boolean => Array.isArray(list) && list.length > 0;
  const hasData =
    isAny(Binds) || isAny(VolumesFrom) || Object.keys(Volumes ?? {}).length > 0 || Mounts?.some(({ Type }) => Type !== 'tmpfs');
  const isReachedAtHost = Object.keys(PortBindings ?? {}).length > 0 || PublishAllPorts === true;
  return !hasData && !isReachedAtHost && !isAny(Devices) && NetworkMode !== 'host' && !NetworkMode.startsWith('container:');
}

/** `db:service_healthy:true,cache:service_started:false`, as compose writes it: the first that does not hold now, for a person. */
function unmet({ record }: ContainerView, containers: readonly ContainerView[]): string | undefined {
  for (const entry of (record?.request.Labels?.[composeLabels.dependsOn] ?? '').split(',')) {
    const [service = '', condition = 'service_started'] = entry.split(':');
    if (service === '') continue;
    const own = containers.filter((other) => other.record?.service === service && other.record.deployment === record?.deployment);
    // A dependency without any container was left out by the client that started this one.
    if (own.length > 0 && !own.some((other) => holds(other, condition)))
      return `it depends on ${service} (${condition}), which does not hold`;
  }
  return undefined;
}

function holds({ hostState, facts }: ContainerView, condition: string): boolean {
  const { State } = facts.inspect;
  if (condition === 'service_completed_successfully') return State.Status === 'exited' && State.ExitCode === 0;
  if (hostState !== 'alive' || !State.Running) return false;
  return condition !== 'service_healthy' || State.Health?.Status === 'healthy';
}
