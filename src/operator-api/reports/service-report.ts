/** Services and their instances as operators see them. Pure. */
import { statusText } from '../../engine/status.ts';
import { type ContainerView, isUnreachable, type ServiceView } from '../../model/index.ts';

/** One instance of a service, as `GET /arpanet/v1/services` lists it. */
export interface InstanceReport {
  readonly name: string;
  readonly id: string;
  readonly number: number;
  readonly host: string;
  readonly image: string;
  readonly state: string;
  readonly health?: string | undefined;
  readonly addresses: readonly string[];
  /** Stopped by a client of the API: it is not started again. */
  readonly isStopped: boolean;
}

/** A service with its instances: a row of `GET /arpanet/v1/services`. */
export interface ServiceReport {
  readonly deployment: string;
  readonly service: string;
  readonly desired: number;
  readonly running: number;
  /** Instances that exited with 0: finished jobs. */
  readonly done: number;
  /** The cluster maintains the count: a dead instance is replaced. */
  readonly isHeld: boolean;
  /** One instance on every host. */
  readonly isGlobal: boolean;
  readonly image: string;
  readonly update?: string | undefined;
  readonly trouble?: string | undefined;
  readonly instances: readonly InstanceReport[];
}

/** A service that cannot be read is reported as such, and costs its neighbours nothing. */
export function serviceReports(services: readonly ServiceView[], nowMs: number): readonly ServiceReport[] {
  return services.map((view) => {
    try {
      return serviceReport(view, nowMs);
    } catch (error) {
      const { deployment, service } = view;
      const empty = { desired: 0, running: 0, done: 0, isHeld: true, isGlobal: false, image: '', update: undefined, instances: [] };
      return { deployment, service, ...empty, trouble: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
  });
}

function serviceReport(view: ServiceView, nowMs: number): ServiceReport {
  const { record } = view;
  return {
    deployment: view.deployment,
    service: view.service,
    desired: view.desired,
    running: view.instances.filter((container) => isUp(container)).length,
    done: view.instances.filter(isDone).length,
    isHeld: record !== undefined,
    isGlobal: record?.isGlobal === true,
    image: view.template?.request.Image ?? '',
    update:
      record?.status === undefined ? undefined : `${UPDATE_WORDS[record.status.state] ?? record.status.state}: ${record.status.message}`,
    trouble: view.trouble,
    instances: view.instances.map((container) => instanceReport(container, record?.stopped ?? [], nowMs)),
  };
}

/** A host that has not reconnected yet is assumed to run what it ran. */
export const isUp = ({ facts, hostState }: ContainerView): boolean => facts.inspect.State.Running && !isUnreachable(hostState);

export const isDone = ({ facts: { inspect } }: ContainerView): boolean => inspect.State.Status === 'exited' && inspect.State.ExitCode === 0;

/** As in `docker ps`; unknown on a host that does not answer. */
export function stateText({ hostState, facts: { inspect } }: ContainerView, nowMs: number): string {
  return hostState === 'alive' ? statusText(inspect.State, nowMs).text || inspect.State.Status : `host is ${hostState}`;
}

/** Docker's states of an update in plain words. */
const UPDATE_WORDS: Readonly<Record<string, string>> = {
  rollback_started: 'rolling back',
  rollback_paused: 'rollback paused',
  rollback_completed: 'rolled back',
};

function instanceReport(container: ContainerView, stopped: readonly string[], nowMs: number): InstanceReport {
  const { State } = container.facts.inspect;
  return {
    name: container.name,
    id: container.id,
    number: container.record?.number ?? 0,
    host: container.host,
    image: container.record?.request.Image ?? container.facts.summary.Image,
    state: stateText(container, nowMs),
    health: State.Health?.Status,
    addresses: Object.values(container.record?.addresses ?? {}),
    isStopped: stopped.includes(container.id),
  };
}
