/** Is a host alive? Pure. */
import type { HostView } from '../../model/index.ts';

export interface Signs {
  readonly nowMs: number;
  readonly electedAtMs: number;
  /** Since when nothing is heard counts against it. Undefined: not heard of by this leader. */
  readonly heardMs: number | undefined;
  /** Its first snapshot is in the view. */
  readonly isComplete: boolean;
  /** Set when its agent says that the Engine does not answer. */
  readonly engineTrouble: string | undefined;
  /** Set while its agent says that the Engine takes questions and does not answer them. */
  readonly engineSilent?: string | undefined;
  readonly hostDownMs: number;
  /** How long after the election a host may take to join before it is called down. */
  readonly graceMs: number;
}

/** Agents beat each second. An alive host that misses some, or whose Engine hangs, is told of as such, and nothing else follows from it yet. */
const SILENT_MS = 3_500;

export function hostState(signs: Signs): { readonly state: HostView['state']; readonly why: string | undefined } {
  const { nowMs, heardMs, hostDownMs } = signs;
  if (heardMs === undefined) {
    if (nowMs - signs.electedAtMs < Math.max(signs.graceMs, hostDownMs)) return { state: 'joining', why: undefined };
    return { state: 'down', why: `has not joined since the election ${seconds(nowMs - signs.electedAtMs)} ago` };
  }
  if (nowMs - heardMs >= hostDownMs) return { state: 'down', why: `no heartbeat for ${seconds(hostDownMs)} or more` };
  if (signs.engineTrouble !== undefined) return { state: 'down', why: `its Engine does not answer: ${signs.engineTrouble}` };
  if (!signs.isComplete) return { state: 'joining', why: undefined };
  return { state: 'alive', why: nowMs - heardMs >= SILENT_MS ? 'silent for some seconds' : signs.engineSilent };
}

/** Hosts that fall silent within this time of each other do so at once. */
const AT_ONCE_MS = 30_000;

/**
 * Those of the silent hosts that fell silent together with over a third of all: more likely our fault, or the network's, than theirs. A host
 * that has been silent for a little less than the others counts too, so that none is given up in the moment before the next one is. They come
 * back one after the other: the rest is doubted for `hostDownMs` more. Takes and returns when each was last one of too many.
 */
export function doubtedHosts(
  silent: readonly { readonly name: string; readonly sinceMs: number }[],
  hosts: number,
  nowMs: number,
  hostDownMs: number,
  before: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const near = silent.filter(({ sinceMs }) => nowMs - sinceMs >= hostDownMs * 0.6);
  const most = Math.max(1, Math.floor(hosts / 3));
  const isOneOfMany = ({ sinceMs }: { readonly sinceMs: number }) =>
    near.filter((other) => Math.abs(other.sinceMs - sinceMs) <= AT_ONCE_MS).length > most;
  const last = near.map((host) => [host.name, isOneOfMany(host) ? nowMs : before.get(host.name)] as const);
  return new Map(last.filter((entry): entry is [string, number] => entry[1] !== undefined && nowMs - entry[1] < hostDownMs));
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
