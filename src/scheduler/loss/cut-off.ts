/**
 * Which hosts are cut off, before they are called down: no message came from them for a while, and their kernels do not answer a new connection either. A
 * busy agent is none: its kernel answers for it. Their names leave DNS at once, and come back with their next message; nothing else follows. Pure.
 */

/** Agents send a heartbeat each second. Of a host that has missed one it is asked whether it can be reached. */
export const QUIET_MS = 1_500;
export const CUT_OFF_MS = 3_000;

export interface QuietHost {
  readonly name: string;
  readonly heardMs: number;
  /** A connection was tried after its last message, and nobody answered. */
  readonly isUnreached: boolean;
}

/** Of many that fall quiet together none counts: the network is at fault, or the leader's own line. */
export function cutOff(hosts: readonly QuietHost[], nowMs: number): ReadonlySet<string> {
  const quiet = hosts.filter(({ heardMs }) => nowMs - heardMs >= QUIET_MS);
  if (quiet.length > Math.max(1, Math.floor(hosts.length / 3))) return new Set();
  return new Set(quiet.flatMap(({ name, heardMs, isUnreached }) => (isUnreached && nowMs - heardMs >= CUT_OFF_MS ? [name] : [])));
}
