/** Services and their instances as operators see them. Pure. */
import { statusText } from '../../engine/status.ts';
import { type ContainerView, isUnreachable, type ServiceView } from '../../model/index.ts';

export interface InstanceReport {
  readonly name: string;
  readonly id: string;
  readonly number: number;
  readonly host: string;
  readonly image: string;
  readonly state: string;
  readonly health: string | undefined;
  readonly addresses: readonly string[];
  /** A user has stopped it through the API. */
  readonly isStopped: boolean;
}

/** A service with its instances: a row of `GET /arpanet/v1/services`. */
export interface ServiceReport {
  readonly deployment: string;
  readonly service: string;
  readonly desired: number;
  readonly running: number;
  /** Instances that have ended with 0: jobs that are done. */
  readonly done: number;
  /** The count is held: what dies is replaced. */
  readonly isHeld: boolean;
  readonly image: string;
  readonly update: string | undefined;
  readonly trouble: string | undefined;
  readonly instances: readonly InstanceReport[];
}

export function serviceReports(services: readonly ServiceView[], nowMs: number): readonly ServiceReport[] {
  return services.map((view) => {
    const { record } = view;
    return {
      deployment: view.deployment,
      service: view.service,
      desired: view.desired,
      running: view.instances.filter((container) => isUp(container)).length,
      done: view.instances.filter(isDone).length,
      isHeld: record !== undefined,
      image: view.template?.request.Image ?? '',
      update:
        record?.status === undefined ? undefined : `${UPDATE_WORDS[record.status.state] ?? record.status.state}: ${record.status.message}`,
      trouble: view.trouble,
      instances: view.instances.map((container) => instanceReport(container, record?.stopped ?? [], nowMs)),
    };
  });
}

/** As far as is known: a host that is just joining runs what it ran. */
export const isUp = ({ facts, hostState }: ContainerView): boolean => facts.inspect.State.Running && !isUnreachable(hostState);

export const isDone = ({ facts: { inspect } }: ContainerView): boolean => inspect.State.Status === 'exited' && inspect.State.ExitCode === 0;

/** As `docker ps` says it; what runs on a host that is not heard of nobody knows. */
export function stateText({ hostState, facts: { inspect } }: ContainerView, nowMs: number): string {
  return hostState === 'alive' ? statusText(inspect.State, nowMs).text || inspect.State.Status : `host is ${hostState}`;
}

/** Docker's words for the state of an update, as people say them. */
const UPDATE_WORDS: Readonly<Record<string, string>> = {
  rollback_started: 'going back',
  rollback_paused: 'paused on its way back',
  rollback_completed: 'gone back',
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
