/** Moments that are near to one, among many: what all of them ask costs little more than to sort them once. Pure. */

/** How many of the moments are at most `spanMs` before or after the one asked for, itself included. All in ms of one clock. */
export function withinOf(moments: readonly number[], spanMs: number): (moment: number) => number {
  const sorted = moments.toSorted((a, b) => a - b);
  return (moment) => placeOf(sorted, (one) => one > moment + spanMs) - placeOf(sorted, (one) => one >= moment - spanMs);
}

/** The place of the first that is so; all after it are. */
function placeOf(sorted: readonly number[], isSo: (moment: number) => boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isSo(sorted[middle] ?? 0)) to = middle;
    else from = middle + 1;
  }
  return from;
}
