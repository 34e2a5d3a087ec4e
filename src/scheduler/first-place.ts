/** The place of the first that is so, found by halves (pure). All after it are so, too; the length of the list: none is. */
export function firstPlace<T>(sorted: readonly T[], isSo: (one: T) => boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const one = sorted[middle];
    if (one !== undefined && isSo(one)) to = middle;
    else from = middle + 1;
  }
  return from;
}
