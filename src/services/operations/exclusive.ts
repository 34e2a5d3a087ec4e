/** One operation on a service at a time. Effects: timers. */
import { patientlyFor } from '../../async/within.ts';
import type { ServiceId } from '../../model/index.ts';
import { alreadyBusy, type Core } from '../core.ts';

export const UPDATING = 'being updated';

/** Holds all these services for one operation. Throws `conflict` while another runs on one of them. */
export async function operateAll<T>(core: Core, ids: readonly ServiceId[], what: string, work: () => Promise<T>): Promise<T> {
  const [first, ...others] = ids;
  return first === undefined ? work() : core.operate(first, what, () => operateAll(core, others, what, work));
}

/** Resolves once no operation runs on the service. Throws `conflict` if one still does after `patienceMs`. */
export async function whenFree({ deps, lost, runtime }: Core, id: ServiceId, patienceMs: number): Promise<void> {
  const endMs = deps.now() + patienceMs;
  for (let { operation } = runtime(id); operation !== undefined; { operation } = runtime(id)) {
    const leftMs = endMs - deps.now();
    if (leftMs <= 0) throw alreadyBusy(id, operation, deps.now());
    await patientlyFor(leftMs, operation.ended, lost);
  }
}
