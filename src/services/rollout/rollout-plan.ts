/** The next step of a rolling update, from what exists now: the same after a change of leader. Pure. */
import { type ContainerView, isUnreachable, type ServiceRecord, type UpdateSettings } from '../../model/index.ts';
import { freeNumbers, numberOf } from '../replicas/replica-plan.ts';
import { essence, isCurrent } from '../replicas/template.ts';

export interface Batch {
  readonly add: readonly number[];
  readonly retire: readonly ContainerView[];
}

/** With the settings of a rollback, while it goes back. */
export const inItsDirection = (record: ServiceRecord): ServiceRecord =>
  record.status?.state === 'rollback_started' && record.rollback !== undefined ? { ...record, update: record.rollback } : record;

/** Undefined: all instances match the record's template. */
export function nextBatch(
  record: Pick<ServiceRecord, 'template' | 'update' | 'desired'>,
  all: readonly ContainerView[],
): Batch | undefined {
  // Instances of unreachable hosts cannot be replaced now; when their host is back they are too many.
  const instances = all.filter((container) => !isUnreachable(container.hostState));
  const wanted = essence(record.template);
  const fresh = instances.filter((container) => isCurrent(container, wanted));
  const old = instances.filter((container) => !fresh.includes(container)).toSorted((a, b) => numberOf(a) - numberOf(b));
  if (old.length === 0) return undefined;
  const { parallelism, order } = record.update;
  const size = parallelism <= 0 ? old.length : parallelism;
  const retire = old.slice(0, size);
  const numbers = new Set(all.map(numberOf));
  if (order === 'start-first') {
    // Instances that an interrupted batch created already are not created again.
    const surplus = Math.max(0, instances.length - record.desired);
    const wantedMore = Math.min(retire.length, record.desired);
    return { add: freeNumbers(numbers, Math.max(0, wantedMore - surplus)), retire };
  }
  const kept = new Set(instances.filter((container) => !retire.includes(container)).map(numberOf));
  const missing = Math.max(0, record.desired - kept.size);
  return { add: freeNumbers(kept, Math.min(missing, size)), retire };
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
