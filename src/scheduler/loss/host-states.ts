/**
 * The states of a host and what moves it from one to the next. Pure: the times are arguments.
 *
 * joining: it has not sent what runs there since the election, or since its agent connected again. alive: it has, and its agent sends heartbeats.
 * suspect: no message arrives from it, nor from over a third of all hosts (mass-loss.ts): the network may be at fault, so nothing is started elsewhere
 * and its names stay. down: no message arrives from it, or its Engine is unreachable; what ran there is started elsewhere after a while. removed: ops
 * took it out of the cluster, its agent is refused.
 */
import type { HostState } from '../../model/index.ts';

export type HostEvent =
  /** Its agent connected, and has not sent yet what runs there. */
  | 'connected'
  /** Its agent sent what runs there, and sends heartbeats. */
  | 'reported'
  /** Its agent says that the Docker Engine cannot be reached. */
  | 'engine-unreachable'
  /** No message for so long that the host counts as down; or it has not connected in time after the election. */
  | 'silent'
  /** The same, together with over a third of all hosts. */
  | 'silent-with-many'
  /** `arpanet hosts rm`. */
  | 'removed'
  /** `arpanet hosts add` of one that was removed. */
  | 'admitted';

const MEMBER = {
  connected: 'joining',
  reported: 'alive',
  'engine-unreachable': 'down',
  silent: 'down',
  'silent-with-many': 'suspect',
  removed: 'removed',
} as const;

/** Every state and every event. Only `arpanet hosts add` brings a removed host back. */
export const TRANSITIONS: Readonly<Record<HostState | 'removed', Readonly<Record<HostEvent, HostState | 'removed'>>>> = {
  joining: { ...MEMBER, admitted: 'joining' },
  alive: { ...MEMBER, admitted: 'alive' },
  suspect: { ...MEMBER, admitted: 'suspect' },
  down: { ...MEMBER, admitted: 'down' },
  removed: {
    connected: 'removed',
    reported: 'removed',
    'engine-unreachable': 'removed',
    silent: 'removed',
    'silent-with-many': 'removed',
    removed: 'removed',
    admitted: 'joining',
  },
};

/** What is known of a host. */
export interface Signs {
  /** Milliseconds of the leader's monotonic clock, as all times here. */
  readonly nowMs: number;
  readonly electedAtMs: number;
  /** When its last message came; undefined: none since the election. */
  readonly heardMs: number | undefined;
  /** It has sent what runs there since it connected. */
  readonly hasReported: boolean;
  /** Why its agent cannot reach the Docker Engine. */
  readonly engineError: string | undefined;
  /** Why the Docker Engine is slow: it takes requests and does not answer them. */
  readonly engineStall: string | undefined;
  /** Why the leader has closed its stream, or refuses it, since it was connected last. */
  readonly cutWhy?: string | undefined;
  /** Over a third of all hosts are lost with it. */
  readonly isMassLoss: boolean;
  /** A host is down after this long without a message. */
  readonly hostDownMs: number;
  /** How long after the election a host may take to connect. At least `hostDownMs` is given. */
  readonly graceMs: number;
}

/** Agents send a heartbeat each second. A host that misses some, or whose Engine stalls, is listed with a warning; nothing else follows from it. */
const WARN_AFTER_MS = 3_500;

/** What has become of the host, and why, for a person. Undefined: it may still connect. */
export function hostEvent(signs: Signs): { readonly event: HostEvent; readonly why: string | undefined } | undefined {
  const { nowMs, electedAtMs, heardMs, hostDownMs, isMassLoss } = signs;
  const silent = isMassLoss ? 'silent-with-many' : 'silent';
  const cut = signs.cutWhy === undefined ? undefined : `its agent is refused: ${signs.cutWhy}`;
  if (heardMs === undefined) {
    const sinceElectionMs = nowMs - electedAtMs;
    if (sinceElectionMs < Math.max(signs.graceMs, hostDownMs)) return undefined;
    return { event: silent, why: cut ?? `not connected since the election ${seconds(sinceElectionMs)} ago` };
  }
  if (nowMs - heardMs >= hostDownMs) return { event: silent, why: cut ?? `no heartbeat for ${seconds(hostDownMs)} or more` };
  if (signs.engineError !== undefined) return { event: 'engine-unreachable', why: `Docker Engine unreachable: ${signs.engineError}` };
  if (!signs.hasReported) return { event: 'connected', why: cut };
  return { event: 'reported', why: cut ?? (nowMs - heardMs >= WARN_AFTER_MS ? 'no heartbeat for some seconds' : signs.engineStall) };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
