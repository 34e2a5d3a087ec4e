/**
 * Machines that load iPXE again and again: another DHCP server on their network sends them there, or takes iPXE's own options away, so that they never get the script. Such a one is not
 * answered for a while, and its firmware goes on to what it boots from next. Pure, but for what it remembers.
 */

/** So often without the script within the time, in ms. */
const TIMES = 3;
const WITHIN_MS = 180_000;
/** Not answered for so long, in ms. */
const SILENT_MS = 600_000;

/** What is known of machines by their cards; all times in ms since 1970. */
export interface Loops {
  /** It has fetched iPXE. True: once too often. */
  readonly loaded: (mac: string, nowMs: number) => boolean;
  /** It has got as far as the script. */
  readonly scripted: (mac: string) => void;
  /** The cards that are not answered now. */
  readonly silent: (nowMs: number) => readonly string[];
}

export function createLoops(): Loops {
  const fetched = new Map<string, readonly number[]>();
  const until = new Map<string, number>();
  return {
    loaded(mac, nowMs) {
      // forget what is over: machines come and go
      for (const [one, times] of fetched) if ((times.at(-1) ?? 0) < nowMs - WITHIN_MS) fetched.delete(one);
      const times = [...(fetched.get(mac) ?? []).filter((at) => at > nowMs - WITHIN_MS), nowMs];
      fetched.set(mac, times);
      if (times.length < TIMES) return false;
      fetched.delete(mac);
      until.set(mac, nowMs + SILENT_MS);
      return true;
    },
    scripted(mac) {
      fetched.delete(mac);
      until.delete(mac);
    },
    silent(nowMs) {
      for (const [mac, end] of until) if (end <= nowMs) until.delete(mac);
      return [...until.keys()];
    },
  };
}
