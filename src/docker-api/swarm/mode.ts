/** A service's mode: how many instances it has, whether they end, and how they are started again (Docker API v1.24; jobs v1.41). Pure. */
import { type JobSettings, labels, type ServiceView } from '../../model/index.ts';
import { formatRestartRule, type RestartRule } from '../../text/restart-label.ts';
import type { ServiceSpec } from './types.ts';

/** As the filter `mode` of `docker service ls` has them. */
export type ModeName = 'replicated' | 'global' | 'replicated-job' | 'global-job';

export function modeOf({ Mode = {} }: ServiceSpec): ModeName {
  if (Mode.GlobalJob != null) return 'global-job';
  if (Mode.ReplicatedJob != null) return 'replicated-job';
  return Mode.Global == null ? 'replicated' : 'global';
}

export function modeOfView({ record }: ServiceView): ModeName {
  const place = record?.isGlobal === true ? 'global' : 'replicated';
  return record?.job === undefined ? place : `${place}-job`;
}

export interface Counts {
  /** Undefined: as many as now. */
  readonly desired: number | undefined;
  readonly isGlobal?: true;
  readonly job?: JobSettings;
}

/** What is not given of a job is 1 at once, and as many as at once in all (moby daemon/cluster/convert/service.go). */
export function countsOf(spec: ServiceSpec, nowMs: number): Counts {
  const { Replicated, ReplicatedJob } = spec.Mode ?? {};
  const atOnce = ReplicatedJob?.MaxConcurrent ?? 1;
  const job = (concurrent: number): JobSettings => ({ concurrent, iteration: 0, startedAtMs: nowMs });
  switch (modeOf(spec)) {
    case 'global':
      return { desired: undefined, isGlobal: true };
    case 'global-job':
      return { desired: undefined, isGlobal: true, job: job(0) };
    case 'replicated-job':
      return { desired: ReplicatedJob?.TotalCompletions ?? atOnce, job: job(atOnce) };
    default:
      return { desired: Replicated?.Replicas ?? undefined };
  }
}

/** As its spec shows it. */
export function shownMode(view: ServiceView): NonNullable<ServiceSpec['Mode']> {
  switch (modeOfView(view)) {
    case 'global':
      return { Global: {} };
    case 'global-job':
      return { GlobalJob: {} };
    case 'replicated-job':
      return { ReplicatedJob: { MaxConcurrent: view.record?.job?.concurrent ?? 1, TotalCompletions: view.desired } };
    default:
      return { Replicated: { Replicas: view.desired } };
  }
}

/** swarmkit api/defaults/service.go */
const DELAY_NS = 5e9;

export interface Restart {
  /** For the Engine. */
  readonly policy: { readonly Name: string; readonly MaximumRetryCount?: number };
  readonly labels: Readonly<Record<string, string>>;
}

/** A job that has ended well is done, whatever its condition says. */
function conditionOf(asked: string | undefined, isJob: boolean): RestartRule['condition'] {
  if (asked === 'none' || asked === 'on-failure') return asked;
  return isJob ? 'on-failure' : 'any';
}

/** An Engine's policies know no delay and no window, and start a job again that has ended well: where those matter, the leader starts instances again. */
export function restartOf(spec: ServiceSpec): Restart {
  const { Condition, Delay, MaxAttempts, Window } = spec.TaskTemplate?.RestartPolicy ?? {};
  const isJob = modeOf(spec).endsWith('-job');
  const condition = conditionOf(Condition, isJob);
  const isPlain = condition !== 'none' && !isJob && !Delay && !Window && !MaxAttempts;
  if (isPlain) return { policy: { Name: condition === 'any' ? 'always' : 'on-failure' }, labels: {} };
  const rule = { condition, delayMs: (Delay ?? DELAY_NS) / 1e6, attempts: MaxAttempts ?? 0, windowMs: (Window ?? 0) / 1e6 };
  return { policy: { Name: 'no' }, labels: { [labels.restart]: formatRestartRule(rule) } };
}
