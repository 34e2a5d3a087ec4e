/** What Engines answer, before anything is known of it. Pure. */

/** The objects of a list; anything else of it, or instead of it, is none. */
export function entriesIn<T extends object>(list: unknown): readonly T[] {
  return Array.isArray(list) ? list.filter((entry): entry is T => typeof entry === 'object' && entry !== null) : [];
}
