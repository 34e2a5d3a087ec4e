/** Several sorted sequences as one. Effects: reads the sequences that it is given. */

/**
 * The elements of all, each time the first by `isBefore` of those that are next; of equals the one of the earlier sequence. Of each sequence one
 * element is in memory. If it is not read to its end, or one of the sequences throws, all of them are ended.
 */
export async function* merged<T>(sequences: readonly AsyncGenerator<T>[], isBefore: (a: T, b: T) => boolean): AsyncGenerator<T> {
  try {
    const heads = await Promise.all(sequences.map((sequence) => sequence.next()));
    for (;;) {
      let first: { readonly at: number; readonly value: T } | undefined;
      for (const [at, head] of heads.entries()) {
        if (head.done !== true && (first === undefined || isBefore(head.value, first.value))) first = { at, value: head.value };
      }
      if (first === undefined) return;
      yield first.value;
      const next = await sequences[first.at]?.next();
      if (next !== undefined) heads[first.at] = next;
    }
  } finally {
    // Not awaited: one that waits for its next element ends after it.
    for (const sequence of sequences) sequence.return(undefined).catch(() => undefined);
  }
}
