/**
 * Hosts whose stream the leader has ended or refused, and why. One that sends malformed messages is refused for a while, so that it costs nobody
 * else more than that. State: the newest of them.
 */
import { LRUCache } from 'lru-cache';
import type { CutHost } from '../../model/index.ts';

const PENALTY_MS = 5_000;
const MAX_PENALTY_MS = 60_000;
/** Without a new reason for this long, the host is forgotten: its next penalty is the shortest again. */
const FORGOTTEN_MS = 600_000;
/** A client that has the join token can give any name. */
const REMEMBERED = 100;

export interface CutHosts {
  /** A malformed message, which ended the stream. `host` is undefined before its hello. Returns for how long it is refused, in ms. */
  readonly malformed: (host: string | undefined, reason: string) => number;
  /** Its hello was refused. False: it counts for nothing beside a malformed message, whose penalty lasts. */
  readonly refused: (host: string, reason: string) => boolean;
  /** Why its hello is refused now, because of what it sent before. */
  readonly penaltyOf: (host: string) => string | undefined;
  /** Those of the last ten minutes. */
  readonly list: () => readonly CutHost[];
  /** Malformed messages of all hosts, since the election. */
  readonly malformedTotal: () => number;
}

interface Cut {
  readonly reason: string;
  readonly atMs: number;
  readonly isMalformed: boolean;
  readonly penaltyMs: number;
  readonly untilMs: number;
}

/** `now`: milliseconds of a clock that never goes back. */
export function createCutHosts(now: () => number): CutHosts {
  const cuts = new LRUCache<string, Cut>({ max: REMEMBERED });
  let malformedMessages = 0;

  function recent(host: string): Cut | undefined {
    const cut = cuts.peek(host);
    return cut !== undefined && now() - Math.max(cut.atMs, cut.untilMs) < FORGOTTEN_MS ? cut : undefined;
  }

  return {
    malformed(host = '', reason) {
      malformedMessages += 1;
      const before = recent(host)?.penaltyMs ?? 0;
      const penaltyMs = before === 0 ? PENALTY_MS : Math.min(before * 2, MAX_PENALTY_MS);
      cuts.set(host, { reason, atMs: now(), isMalformed: true, penaltyMs, untilMs: now() + penaltyMs });
      return penaltyMs;
    },
    refused(host, reason) {
      // While it is refused for a malformed message, that message stays the reason.
      if (this.penaltyOf(host) !== undefined) return false;
      cuts.set(host, { reason, atMs: now(), isMalformed: false, penaltyMs: recent(host)?.penaltyMs ?? 0, untilMs: now() });
      return true;
    },
    penaltyOf(host) {
      const cut = cuts.peek(host);
      return cut !== undefined && now() < cut.untilMs ? cut.reason : undefined;
    },
    list: () =>
      [...cuts.rkeys()].flatMap((host) => {
        const cut = recent(host);
        return cut === undefined ? [] : [{ host, reason: cut.reason, isMalformed: cut.isMalformed, msAgo: now() - cut.atMs }];
      }),
    malformedTotal: () => malformedMessages,
  };
}
