/** What the record of a lost container means beside the record of its name. Pure. */
import type { ContainerRecord, LostRecord } from '../../model/index.ts';

/** The name belongs to another container, or to none: the lost one is not shown, and its host is fenced off. */
export function isCounting(lost: LostRecord, record: ContainerRecord | undefined): boolean {
  return record?.id !== lost.id;
}

/** Its replacement exists, or a client removed it: it can be removed from its host. A replacement that is being created may still fail. */
export function isDue(lost: LostRecord, record: ContainerRecord | undefined): boolean {
  const isPending = record !== undefined && record.id === undefined && record.movedFrom?.id === lost.id;
  return isCounting(lost, record) && !isPending;
}

/** Whether the other hosts drop the overlay packets of its host: others have its addresses, or may have. */
export function isFencing(lost: LostRecord, record: ContainerRecord | undefined): boolean {
  return lost.yielded !== undefined || (lost.isReplaced && isCounting(lost, record));
}

/** Those that count. */
export function counting(all: readonly LostRecord[], recordOf: (name: string) => ContainerRecord | undefined): readonly LostRecord[] {
  return all.filter((lost) => isCounting(lost, recordOf(lost.name)));
}
