/** How many instances a service has that runs once on every host. Asks where more would go; changes nothing. */
import type { ServiceRecord } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { freeNumbers, numberOf } from './replica-plan.ts';
import { instanceName, instanceRequest } from './template.ts';

/** The present instances, and one for each further host that would take one: a host that is unreachable or paused keeps its instance. */
export function globalCount({ deps, instances, unseen }: Core, record: ServiceRecord): number {
  const numbers = new Set([...instances(record).map(numberOf), ...unseen(record).map(({ number }) => number)]);
  const missing = deps.scheduler.hosts.list().length - numbers.size;
  if (missing <= 0) return numbers.size;
  const { template } = record;
  const placements = deps.rehearse(
    freeNumbers(numbers, missing).map((number) => ({ name: instanceName(template, number), request: instanceRequest(template, number) })),
  );
  return numbers.size + placements.filter(({ kind }) => kind === 'placed').length;
}
