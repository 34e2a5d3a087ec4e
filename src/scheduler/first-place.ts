/** The place of the first that is so, found by halves (pure). All after it are so, too; the length of the list: none is. */
export function firstPlace(sorted: readonly number[], isSo: (one: number) => boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isSo(sorted[middle] ?? 0)) to = middle;
    else from = middle + 1;
  }
  return from;
}
