/** What differs between the desired count and what runs, and what to do about it now. Pure. */
import { type ContainerView, isKind, type ServiceRecord } from '../../model/index.ts';
import { isNamedVolume } from '../../text/names.ts';
import { ruledStart, ruleOf } from './restart-rule.ts';
import { essence, isCurrent } from './template.ts';

/** How often, and when last, something was tried again. */
export interface Attempt {
  readonly count: number;
  readonly atMs: number;
  /** When the newest of them were, the oldest first. */
  readonly times?: readonly number[];
  /** When the container had last started, as its Engine says, at that try. */
  readonly startedAt?: string;
  /** The Engine said that it has lost track of the container, and can start it no more. */
  readonly isTaskLost?: boolean;
}

export interface ReconcileInput {
  readonly record: ServiceRecord;
  /** All instances, those on hosts that are down included: what is lost with its host is replaced under its own name (reschedule/). */
  readonly instances: readonly ContainerView[];
  /** Instances that are recorded but not in the view: being created, being removed, or on a host that has not reported them yet. */
  readonly unseen: readonly { readonly number: number; readonly host: string }[];
  /** By container id; creates under `create`. */
  readonly attempts: ReadonlyMap<string, Attempt>;
  readonly nowMs: number;
}

export type Step =
  | { readonly do: 'add'; readonly number: number }
  | { readonly do: 'remove'; readonly container: ContainerView }
  | { readonly do: 'start'; readonly container: ContainerView }
  /** A client created more and disconnected before they could be counted. */
  | { readonly do: 'count'; readonly desired: number };

export interface Reconciliation {
  readonly steps: readonly Step[];
  /** When to reconcile again even if nothing changes. */
  readonly againAtMs?: number;
  /** What it waits for, for a person. */
  readonly trouble?: string;
}

/** Begins the request ids of the reconciler's own creates. */
export const OUR_REQUEST = 'replica-';
const FIRST_DELAY_MS = 1_000;
const SETTLE_MS = 1_500;
const MAX_DELAY_MS = 5 * 60_000;
/** So often one is tried whose Engine says that it has lost track of it, before it is made again. */
const TASK_LOST_TRIES = 3;
/** Instances that are added in one go: a count of billions must not be a list of as many steps. */
const MOST_ADDED = 1_000;
/** One that ran this long did not crash at its start. */
const STEADY_MS = 30_000;

/** 1 s, 2 s, 4 s, … 5 min. */
export function backoffMs(count: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(count, 20));
}

export function reconcile(input: ReconcileInput): Reconciliation {
  const { record, instances, unseen, attempts, nowMs } = input;
  const numbers = new Set([...instances.map(numberOf), ...unseen.map(({ number }) => number)]);
  const stale = record.job === undefined ? [] : staleIn(record, instances);
  // a job is begun again by its new iteration alone
  if (stale.length > 0) return { steps: stale.map((container) => ({ do: 'remove', container })) };
  if (numbers.size > record.desired) return { steps: tooMany(record, instances, numbers.size) };
  const steps: Step[] = [];
  const waits: number[] = [];
  let trouble: string | undefined;

  const missing = Math.min(record.desired - numbers.size, roomIn(record, instances, unseen.length));
  if (missing > 0) {
    const attempt = attempts.get('create');
    const dueMs = attempt === undefined ? 0 : attempt.atMs + backoffMs(attempt.count - 1);
    if (dueMs > nowMs) waits.push(dueMs);
    else for (const number of freeNumbers(numbers, Math.min(missing, MOST_ADDED))) steps.push({ do: 'add', number });
  }
  for (const container of instances) {
    if (!isDead(container, record)) continue;
    const attempt = attempts.get(container.id);
    const ruled = ruledStart(container, attempt?.times ?? []);
    if (ruled !== undefined) {
      if (ruled.dueMs !== undefined && ruled.dueMs <= nowMs) steps.push({ do: 'start', container });
      else if (ruled.dueMs !== undefined) waits.push(ruled.dueMs);
      trouble = ruled.trouble ?? trouble;
      continue;
    }
    const { State } = container.facts.inspect;
    // 0: its Engine reports none
    const finishedMs = Date.parse(State.FinishedAt) || 0;
    const hadRunMs = finishedMs - (Date.parse(State.StartedAt) || 0);
    // the last try has failed, and says nothing of how long it ran
    const isStill = attempt?.startedAt !== undefined && attempt.startedAt === State.StartedAt;
    const count = attempt === undefined || (hadRunMs > STEADY_MS && !isStill) ? 0 : attempt.count;
    if (attempt?.isTaskLost === true && count >= TASK_LOST_TRIES && keepsNothing(container)) {
      steps.push({ do: 'remove', container });
      continue;
    }
    // Its Engine may be about to start it again.
    const settledMs = Math.min(finishedMs, nowMs) + SETTLE_MS;
    const dueMs = Math.max(settledMs, attempt === undefined || count === 0 ? 0 : attempt.atMs + backoffMs(count));
    if (dueMs <= nowMs) steps.push({ do: 'start', container });
    else {
      waits.push(dueMs);
      if (count > 0)
        trouble = `${container.name} exited with ${State.ExitCode}, ${count} times in a row; started again in ${Math.ceil((dueMs - nowMs) / 1000)} s`;
    }
  }
  return {
    steps,
    ...(waits.length > 0 ? { againAtMs: Math.min(...waits) } : {}),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

export const numberOf = (container: ContainerView): number => container.record?.number ?? 0;

const createdAtMs = (container: ContainerView): number => container.record?.createdAtMs ?? 0;

/** Newest first; of those made together the highest number. */
export function newestFirst(instances: readonly ContainerView[]): readonly ContainerView[] {
  return instances.toSorted((a, b) => createdAtMs(b) - createdAtMs(a) || numberOf(b) - numberOf(a));
}

export function freeNumbers(taken: ReadonlySet<number>, count: number): readonly number[] {
  const free: number[] = [];
  for (let number = 1; free.length < count; number++) if (!taken.has(number)) free.push(number);
  return free;
}

/** No data goes with it but what is in its own layer: of anonymous volumes nobody knows the names. */
const keepsNothing = ({ facts }: ContainerView): boolean =>
  facts.inspect.Mounts?.some(({ Type, Name = '' }) => Type === 'volume' && !isNamedVolume(Name)) !== true;

/**
 * An Engine that stops while it starts a container leaves a task of it in containerd, and refuses each later start for that (containerd services/tasks/local.go,
 * `Create`: "task %s: already exists"; moby libcontainerd/remote/client.go, `Start`). Only a new container helps.
 */
export const isTaskLost = (error: unknown): boolean => isKind(error, 'engine') && /\btask [0-9a-f]{64}: already exists/.test(error.message);

/** Instances of a job's earlier iterations. */
function staleIn({ template }: ServiceRecord, instances: readonly ContainerView[]): readonly ContainerView[] {
  const wanted = essence(template);
  return instances.filter((container) => !isCurrent(container, wanted));
}

/** How many more may run at once. */
function roomIn({ job }: ServiceRecord, instances: readonly ContainerView[], unseen: number): number {
  if (job === undefined || job.concurrent === 0) return Infinity;
  const active = instances.filter(({ facts }) => !['exited', 'dead'].includes(facts.inspect.State.Status)).length;
  return Math.max(0, job.concurrent - active - unseen);
}

function tooMany(record: ServiceRecord, instances: readonly ContainerView[], count: number): readonly Step[] {
  const uncounted = instances.filter(
    (container) => createdAtMs(container) > record.countedAtMs && !container.record?.requestId?.startsWith(OUR_REQUEST),
  );
  if (uncounted.length > 0) return [{ do: 'count', desired: count }];
  const seen = new Set(instances.map(numberOf)).size;
  const keep = new Set<number>();
  const steps: Step[] = [];
  const wanted = essence(record.template);
  // Instances from before an update, on a host that has returned, are removed before newer ones.
  // Not the newest: one that has moved is newer than the substitute that stood in for it.
  const inTurn = instances.toSorted((a, b) => numberOf(a) - numberOf(b) || createdAtMs(a) - createdAtMs(b));
  const inOrder = inTurn.toSorted((a, b) => Number(isCurrent(b, wanted)) - Number(isCurrent(a, wanted)));
  for (const container of inOrder) {
    if (keep.has(numberOf(container)) || keep.size < record.desired - (count - seen)) keep.add(numberOf(container));
    else steps.push({ do: 'remove', container });
  }
  return steps.toReversed();
}

/** It will not restart without help, and no client or operator has stopped it. */
export function isDead(container: ContainerView, record: Pick<ServiceRecord, 'stopped'>): boolean {
  if (container.hostState !== 'alive' || record.stopped.includes(container.id)) return false;
  const { State, HostConfig } = container.facts.inspect;
  if (State.Status === 'created') return container.record?.requestId?.startsWith(OUR_REQUEST) ?? false;
  if (State.Status !== 'exited' && State.Status !== 'dead') return false;
  const rule = ruleOf(container);
  if (rule !== undefined) return rule.condition === 'any' || (rule.condition === 'on-failure' && State.ExitCode !== 0);
  const policy = (HostConfig['RestartPolicy'] as { readonly Name?: string } | undefined)?.Name ?? '';
  // A job that exited with 0 is done.
  return policy === 'always' || policy === 'unless-stopped' || State.ExitCode !== 0;
}

/** How many instances run, and whether that is what was asked for: all that there shall be exist, and each runs unless a client stopped it. */
export function progressOf(
  instances: readonly ContainerView[],
  record: Pick<ServiceRecord, 'stopped'> | undefined,
  desired: number,
): { readonly running: number; readonly isReached: boolean } {
  const running = instances.filter((one) => one.facts.inspect.State.Running).length;
  const stopped = instances.filter((one) => record?.stopped.includes(one.id)).length;
  return { running, isReached: instances.length === desired && running + stopped >= desired };
}
