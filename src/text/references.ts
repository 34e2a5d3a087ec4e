/** What people write for an object: its id, its name, or the beginning of its id. */

/** What a reference is compared with. */
export interface Referable {
  /** Hex digits, or a swarm's 25 letters and digits. */
  readonly id: string;
  /** Without a slash before it. */
  readonly name: string;
}

/** The length of Docker's short ids, which the CLI prints. */
export const SHORT_ID_LENGTH = 12;

/** Whether the id begins so, with `shortest` characters at least; the empty text is the beginning of none. */
export function isIdPrefix(reference: string, id: string, shortest = 1): boolean {
  return reference.length >= shortest && id.startsWith(reference);
}

/** Whether the reference can mean this object, whatever else it means: its id, its name, or its id's first characters (`shortest` at least). */
export function isReferenceTo(reference: string, { id, name }: Referable, shortest = 1): boolean {
  return reference === id || reference === name || isIdPrefix(reference, id, shortest);
}

/**
 * The objects that a reference means: the one with this id, else the one with this name, else all whose ids begin so. So none: it means nothing; several: it
 * is ambiguous. `of` gives an object's id and name.
 * Source: moby daemon/network.go, `FindNetwork`; daemon/cluster/helpers.go, `getService` and the like.
 */
export function meantBy<T>(reference: string, all: readonly T[], of: (object: T) => Referable): readonly T[] {
  const exact = all.find((object) => of(object).id === reference) ?? all.find((object) => of(object).name === reference);
  return exact === undefined ? all.filter((object) => isIdPrefix(reference, of(object).id)) : [exact];
}
