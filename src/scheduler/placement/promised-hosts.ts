/** Hosts that a rehearsal has promised for creates that follow: each container goes to its own, if it still fits. Forgotten with the leadership. */
import { LRUCache } from 'lru-cache';
import type { Decision } from '../../model/index.ts';
import { lendersElsewhere } from './lenders.ts';
import type { HostSnapshot, PlacementRequest } from './snapshot.ts';

const MOST = 10_000;
/** Images may be copied and health be waited for meanwhile. */
const HELD_MS = 10 * 60_000;

export interface PromisedHosts {
  /** For ten minutes. */
  readonly hold: (container: string, host: string) => void;
  /** A request was refused because of containers that can be made again elsewhere: they go there. */
  readonly gather: (request: PlacementRequest, hosts: readonly HostSnapshot[]) => void;
  /** The promised host. */
  readonly of: (container: string) => string | undefined;
  /** The decision for the promised host, if that is one of those that fit. */
  readonly kept: (container: string, decision: Decision) => Decision;
}

export function createPromisedHosts(now: () => number): PromisedHosts {
  const held = new LRUCache<string, { readonly host: string; readonly untilMs: number }>({ max: MOST });
  const hold: PromisedHosts['hold'] = (container, host) => {
    held.set(container, { host, untilMs: now() + HELD_MS });
  };
  function of(container: string): string | undefined {
    // compose gives the name once the container before is gone
    const promised = held.get(container) ?? held.get(container.replace(/^[0-9a-f]{12}_/, ''));
    return promised !== undefined && now() < promised.untilMs ? promised.host : undefined;
  }
  return {
    hold,
    gather(request, hosts) {
      const lenders = lendersElsewhere(request, hosts);
      for (const container of lenders?.containers ?? []) hold(container, lenders?.host ?? '');
    },
    of,
    kept(container, decision) {
      const promised = of(container);
      return decision.scored.some(({ host }) => host === promised) ? { ...decision, host: promised ?? decision.host } : decision;
    },
  };
}
