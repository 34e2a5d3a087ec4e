/**
 * How an instance leaves: no name, no map of any kernel leads to it; each host that did has said so, or its time for that is over; what is open goes on for the drain
 * time; then it may be stopped. Nothing leads back: what hosts are sent meanwhile shows it as out. Pure.
 */

export interface Drain {
  /** `leaving`: hosts are waited for. `draining`: what is open goes on. `over`: it may be stopped. */
  readonly phase: 'leaving' | 'draining' | 'over';
  /** Hosts that may still lead to it. */
  readonly waits: ReadonlySet<string>;
  /** Those that did not answer in time, or could not do it: they may lead to it still. */
  readonly unanswered: readonly string[];
  /** When hosts are waited for no longer, and when the drain time is over, by the leader's clock; the second counts from the end of the first. */
  readonly deadlineMs: number;
  readonly drainMs: number;
  readonly untilMs: number;
}

export type DrainEvent =
  /** The host leads nothing to it any more. */
  | { readonly kind: 'left'; readonly host: string }
  /** It cannot: what it leads stays as it is. */
  | { readonly kind: 'failed'; readonly host: string }
  /** Nothing reaches it: callers there are lost with it, and it is sent all when it is back. */
  | { readonly kind: 'lost'; readonly host: string }
  | { readonly kind: 'time' }
  /** The instance has ended by itself. */
  | { readonly kind: 'ended' };

export function beginDrain(hosts: Iterable<string>, nowMs: number, times: { readonly answerMs: number; readonly drainMs: number }): Drain {
  const began: Drain = {
    phase: 'leaving',
    waits: new Set(hosts),
    unanswered: [],
    deadlineMs: nowMs + times.answerMs,
    drainMs: times.drainMs,
    untilMs: nowMs,
  };
  return advanced(began, nowMs);
}

export function drainAfter(drain: Drain, event: DrainEvent, nowMs: number): Drain {
  if (drain.phase === 'over') return drain;
  if (event.kind === 'ended') return { ...drain, phase: 'over', waits: new Set() };
  if (event.kind === 'time' || !drain.waits.has(event.host)) return advanced(drain, nowMs);
  const waits = new Set([...drain.waits].filter((host) => host !== event.host));
  const unanswered = event.kind === 'failed' ? [...drain.unanswered, event.host] : drain.unanswered;
  return advanced({ ...drain, waits, unanswered }, nowMs);
}

/** In ms from now, when a look is due without any other event; undefined: never. */
export const nextLookMs = ({ phase, deadlineMs, untilMs }: Drain, nowMs: number): number | undefined =>
  phase === 'over' ? undefined : Math.max(0, (phase === 'leaving' ? deadlineMs : untilMs) - nowMs);

function advanced(drain: Drain, nowMs: number): Drain {
  if (drain.phase === 'leaving') {
    if (drain.waits.size > 0 && nowMs < drain.deadlineMs) return drain;
    const unanswered = [...drain.unanswered, ...drain.waits];
    return advanced({ ...drain, phase: 'draining', waits: new Set(), unanswered, untilMs: nowMs + drain.drainMs }, nowMs);
  }
  return drain.phase === 'draining' && nowMs >= drain.untilMs ? { ...drain, phase: 'over' } : drain;
}
