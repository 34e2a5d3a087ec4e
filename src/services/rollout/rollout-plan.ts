/** The next step of a rolling update, from what exists now: the same after a change of leader. Pure. */
import { type ContainerView, isUnreachable, type ServiceRecord, type UpdateSettings } from '../../model/index.ts';
import { freeNumbers, numberOf, OUR_REQUEST } from '../replicas/replica-plan.ts';
import { essence, isCurrent, scaleRefusal } from '../replicas/template.ts';

export interface Batch {
  readonly add: readonly number[];
  readonly retire: readonly ContainerView[];
  readonly order: UpdateSettings['order'];
  /** Nothing is left to replace: the substitutes go. */
  readonly isLast?: true;
}

/** With the settings of a rollback, while it goes back. */
export const inItsDirection = (record: ServiceRecord): ServiceRecord =>
  record.status?.state === 'rollback_started' && record.rollback !== undefined ? { ...record, update: record.rollback } : record;

type Updating = Pick<ServiceRecord, 'template' | 'update' | 'desired' | 'isGlobal' | 'status'>;

/**
 * Undefined: all instances match the record's template. Instances keep their numbers: where a new one is to run before an old one stops, substitutes
 * take over meanwhile. Those that run once on every host are known by their hosts. `unseen`: numbers of those that are recorded and not in the view now.
 */
export function nextBatch(record: Updating, all: readonly ContainerView[], unseen: readonly number[] = []): Batch | undefined {
  // Instances of unreachable hosts cannot be replaced now; when their host is back they are too many.
  const instances = all.filter((container) => !isUnreachable(container.hostState));
  const wanted = essence(record.template);
  const fresh = instances.filter((container) => isCurrent(container, wanted));
  const old = instances.filter((container) => !fresh.includes(container)).toSorted((a, b) => numberOf(a) - numberOf(b));
  const { parallelism, order } = record.update;
  const size = parallelism <= 0 ? old.length : parallelism;
  const retire = old.slice(0, size);
  const numbers = new Set([...all.map(numberOf), ...unseen]);
  const isGlobal = record.isGlobal === true;
  if (order === 'start-first' && !isGlobal && scaleRefusal(record.template, 2) === undefined)
    return withSubstitutes(record, { all, numbers, fresh, old, retire });
  if (old.length === 0) return undefined;
  if (order === 'start-first' && isGlobal) {
    // Instances that an interrupted batch created already are not created again.
    const surplus = Math.max(0, instances.length - record.desired);
    const wantedMore = Math.min(retire.length, record.desired);
    return { add: freeNumbers(numbers, Math.max(0, wantedMore - surplus)), retire, order };
  }
  // Those that are too many go first: who stays has a number that people expect.
  const own = ownNumbers(record, all);
  const isOwn = (container: ContainerView): boolean => own.has(numberOf(container));
  const next = [...old.filter((container) => !isOwn(container)), ...old.filter(isOwn)].slice(0, size);
  const kept = new Set(instances.filter((container) => !next.includes(container)).map(numberOf));
  const missing = Math.max(0, record.desired - kept.size);
  const again = next.filter(isOwn).map(numberOf);
  return { add: firstNumbers(kept, again, Math.min(missing, size)), retire: next, order: 'stop-first' };
}

interface Seen {
  readonly all: readonly ContainerView[];
  readonly numbers: ReadonlySet<number>;
  readonly fresh: readonly ContainerView[];
  readonly old: readonly ContainerView[];
  /** Those of the old whose turn it is. */
  readonly retire: readonly ContainerView[];
}

function withSubstitutes(record: Updating, { all, numbers, fresh, old, retire }: Seen): Batch | undefined {
  const own = ownNumbers(record, all);
  const missing = [...own].filter((number) => !numbers.has(number));
  const substitutes = fresh.filter((container) => !own.has(numberOf(container)));
  if (old.length === 0 && substitutes.length === 0) return undefined;
  // an interrupted batch had retired them
  if (missing.length > 0) return { add: missing.slice(0, Math.max(1, retire.length)), retire: [], order: 'stop-first' };
  if (old.length === 0) return { add: [], retire: substitutes, order: 'stop-first', isLast: true };
  const replaced = [...new Set(retire.map(numberOf))].filter((number) => own.has(number));
  const lacking = replaced.length - substitutes.length;
  if (lacking > 0) {
    const first = Math.max(...numbers, ...own) + 1;
    return { add: Array.from({ length: lacking }, (_, index) => first + index), retire: [], order: 'start-first' };
  }
  const others = new Set(all.filter((container) => !retire.includes(container)).map(numberOf));
  return { add: replaced.filter((number) => !others.has(number)), retire, order: 'stop-first' };
}

/** The numbers that its instances are to have in the end, as many as are desired. */
function ownNumbers({ desired, status }: Updating, all: readonly ContainerView[]): ReadonlySet<number> {
  // what clients have added since
  const added = all.filter(({ record }) => !record?.requestId?.startsWith(OUR_REQUEST)).map(numberOf);
  const known = status?.numbers ?? all.map(numberOf);
  const lowest = [...new Set([...known, ...added])].toSorted((a, b) => a - b).slice(0, desired);
  return new Set([...lowest, ...freeNumbers(new Set(lowest), desired - lowest.length)]);
}

/** As many that are free, these before others. */
function firstNumbers(taken: ReadonlySet<number>, before: readonly number[], count: number): readonly number[] {
  const own = [...new Set(before)].filter((number) => !taken.has(number)).slice(0, count);
  return [...own, ...freeNumbers(new Set([...taken, ...own]), count - own.length)];
}

export type Fitness = 'healthy' | 'not-yet' | { readonly failed: string };

/** Whether a new instance may take over. */
export function fitness(container: ContainerView | undefined, settings: UpdateSettings, sinceMs: number, nowMs: number): Fitness {
  if (container === undefined) return nowMs - sinceMs > settings.patienceMs ? { failed: 'it never started' } : 'not-yet';
  const { State, RestartCount = 0 } = container.facts.inspect;
  if (State.Status === 'exited' || State.Status === 'dead') return { failed: `${container.name} exited with ${State.ExitCode}` };
  if (RestartCount > 0) return { failed: `${container.name} was restarted ${RestartCount} times` };
  const health = State.Health?.Status ?? 'none';
  if (health === 'unhealthy') return { failed: `${container.name} is unhealthy` };
  if (health === 'none' || health === '') {
    return State.Running && !State.Restarting && nowMs - (Date.parse(State.StartedAt) || 0) >= settings.monitorMs ? 'healthy' : 'not-yet';
  }
  if (health === 'healthy') return 'healthy';
  return nowMs - sinceMs > settings.patienceMs
    ? { failed: `${container.name} did not become healthy within ${Math.round(settings.patienceMs / 1000)} s` }
    : 'not-yet';
}
