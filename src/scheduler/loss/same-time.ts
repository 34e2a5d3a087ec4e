/** Moments that are near to one, among many: what all of them ask costs little more than to sort them once. Pure. */

import { firstPlace } from '../first-place.ts';

/** How many of the moments are at most `spanMs` before or after the one asked for, itself included. All in ms of one clock. */
export function withinOf(moments: readonly number[], spanMs: number): (moment: number) => number {
  const sorted = moments.toSorted((a, b) => a - b);
  return (moment) => firstPlace(sorted, (one) => one > moment + spanMs) - firstPlace(sorted, (one) => one >= moment - spanMs);
}
