/** Maps and sets that remember the newest only: both keep the order in which keys came, so the first one is the oldest. */

/** Drops the oldest until at most `most` are left. A key that is set again keeps its place: delete it first to make it the newest. */
export function keepNewest(remembered: Map<unknown, unknown> | Set<unknown>, most: number): void {
  for (const oldest of remembered.keys()) {
    if (remembered.size <= most) return;
    remembered.delete(oldest);
  }
}
