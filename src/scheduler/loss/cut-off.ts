/**
 * Which hosts are cut off, before they are called down: no message came from them for a while, and their kernels do not answer a new connection either. A
 * busy agent is none: its kernel answers for it. Their names leave DNS at once, and come back with their next message; nothing else follows. Pure.
 */

import { withinOf } from './same-time.ts';

/** Agents send a heartbeat each second. Of a host that has missed one it is asked whether it can be reached. */
export const QUIET_MS = 1_500;
/** With the heartbeat before it, and what it takes to tell all hosts: names, ports and addresses of services lead to nobody there 3 s after its death. */
export const CUT_OFF_MS = 2_500;
/** All hosts connect to a new leader within a second. Those that do not, and cannot be reached, were lost before it. */
export const NEVER_CONNECTED_MS = 2_000;
/** Hosts whose last messages came within this time of each other are quiet together. */
const SAME_TIME_MS = 30_000;

export interface QuietHost {
  readonly name: string;
  /** Of one that this leader has never heard: when it was elected. */
  readonly heardMs: number;
  readonly isNeverConnected: boolean;
  /** Whether its kernel answered a connection that was tried after its last message; undefined: none has been tried, or is over. */
  readonly isReached: boolean | undefined;
  /** Its names are out of DNS already: it was cut off, or down, and no message has come from it since. */
  readonly isOut: boolean;
}

/**
 * Of many that fall quiet together none counts: the network is at fault, or the leader's own line. Those whose kernels answer are no part of that, nor do hosts
 * that were lost before the election make many of one that is lost after it. `count`: of all hosts that are not down, where those that were heard just now are left out.
 */
export function cutOff(hosts: readonly QuietHost[], nowMs: number, count = hosts.length): ReadonlySet<string> {
  const quiet = hosts.filter(
    ({ heardMs, isReached, isNeverConnected }) => isReached !== true && nowMs - heardMs >= (isNeverConnected ? 0 : QUIET_MS),
  );
  const most = Math.max(1, Math.floor(count / 3));
  const near = [false, true].map((is) =>
    withinOf(
      quiet.flatMap(({ heardMs, isNeverConnected }) => (isNeverConnected === is ? [heardMs] : [])),
      SAME_TIME_MS,
    ),
  );
  const isOneOfMany = ({ isNeverConnected, heardMs }: QuietHost) => (near[Number(isNeverConnected)]?.(heardMs) ?? 0) > most;
  return new Set(
    quiet.flatMap((host) => {
      const isLong = nowMs - host.heardMs >= (host.isNeverConnected ? NEVER_CONNECTED_MS : CUT_OFF_MS);
      return host.isReached === false && isLong && (host.isOut || !isOneOfMany(host)) ? [host.name] : [];
    }),
  );
}
