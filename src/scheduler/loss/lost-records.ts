/** What a note of a lost container means beside the record of its name. Pure. */
import type { ContainerRecord, LostRecord } from '../../model/index.ts';

/** The name is no longer that container's: nobody sees it, and its host is fenced off. */
export function isCounting(note: LostRecord, record: ContainerRecord | undefined): boolean {
  return record?.id !== note.id;
}

/** Its successor is there, or it was removed: it can go. A successor that is being made may still come to nothing. */
export function isDue(note: LostRecord, record: ContainerRecord | undefined): boolean {
  const isPending = record !== undefined && record.id === undefined && record.movedFrom?.id === note.id;
  return isCounting(note, record) && !isPending;
}

/** Those that count, of all notes. */
export function counting(notes: readonly LostRecord[], recordOf: (name: string) => ContainerRecord | undefined): readonly LostRecord[] {
  return notes.filter((note) => isCounting(note, recordOf(note.name)));
}
