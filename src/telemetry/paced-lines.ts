/**
 * Which warnings and errors are written: what stays broken must not fill a disk. The first lines of one message are all written, then a few a
 * minute, the next of which says how many were left out. Pure: the time is an argument. State: what was said lately.
 */

export interface PacedLines {
  /** How many of this message were left out since the last one that was written; undefined: leave this one out, too. */
  take(message: string, nowMs: number): number | undefined;
}

interface Said {
  /** How many may be written at once. */
  tokens: number;
  atMs: number;
  leftOut: number;
}

/** So many at once. A storm of one kind shows the same thing in each line. */
const BURST = 20;
/** After that one in this time. */
const ONE_EACH_MS = 20_000;
/** Different messages that are remembered. */
const MOST = 2_000;

/** Of each message 20 at once, then one in 20 s. `nowMs`: of any clock that does not jump. */
export function pacedLines(): PacedLines {
  const said = new Map<string, Said>();

  function forgetOld(nowMs: number): void {
    for (const [message, { atMs, leftOut }] of said) if (leftOut === 0 && nowMs - atMs > BURST * ONE_EACH_MS) said.delete(message);
    if (said.size >= MOST) said.clear();
  }

  return {
    take(message, nowMs) {
      if (said.size >= MOST) forgetOld(nowMs);
      const found = said.get(message) ?? { tokens: BURST, atMs: nowMs, leftOut: 0 };
      found.tokens = Math.min(BURST, found.tokens + Math.max(0, nowMs - found.atMs) / ONE_EACH_MS);
      found.atMs = nowMs;
      said.set(message, found);
      if (found.tokens < 1) {
        found.leftOut += 1;
        return undefined;
      }
      found.tokens -= 1;
      const { leftOut } = found;
      found.leftOut = 0;
      return leftOut;
    },
  };
}
