/** Keeps the hosts as placement sees them: what has changed of a host is read again before the next decision. State: what was placed a moment ago. */
import type { HostSnapshot, PlacementOptions } from '../placement/snapshot.ts';
import { createHostPool, type HostPool } from '../placement/host-pool.ts';
import { liveCharges } from '../placement/load.ts';
import type { Charge } from '../placement/snapshot.ts';
import type { SchedulerDeps } from '../deps.ts';
import { each } from '../../telemetry/left-out.ts';
import { snapshotOf, type SnapshotParts } from './host-snapshots.ts';

export interface HostSummaries {
  /** Something of the host has changed, or it is gone. */
  readonly changed: (host: string) => void;
  /** As they are now. */
  readonly pool: () => HostPool;
  /** Something was placed there. */
  readonly charge: (host: string, charge: Charge) => void;
}

export type SummaryParts = Omit<SnapshotParts, 'deps'> & { readonly deps: Pick<SchedulerDeps, 'settings' | 'now' | 'random'> };

export function createHostSummaries(parts: SummaryParts): HostSummaries {
  const { deps, view } = parts;
  const pool = createHostPool();
  const changed = new Set<string>();
  const pending = new Map<string, readonly Charge[]>();
  let settled = '';

  /** What all snapshots depend on. */
  function settingsNow(): string {
    const { strategy, overcommit } = deps.settings;
    return `${strategy} ${overcommit.cpus} ${overcommit.memory}`;
  }

  function renew(name: string, options: PlacementOptions): HostSnapshot | undefined {
    const host = view.host(name);
    const charges = liveCharges(pending.get(name) ?? [], options.nowMs);
    if (host === undefined || charges.length === 0) pending.delete(name);
    else pending.set(name, charges);
    if (host === undefined) return undefined;
    return snapshotOf(parts, host, charges);
  }

  return {
    changed(host) {
      changed.add(host);
    },
    pool() {
      const now = settingsNow();
      if (now !== settled) for (const { name } of view.hosts()) changed.add(name);
      settled = now;
      if (changed.size === 0) return pool;
      const options = { strategy: deps.settings.strategy, nowMs: deps.now(), random: deps.random };
      const names = [...changed];
      changed.clear();
      for (const name of names) if (view.host(name) === undefined) pool.remove(name);
      const renewed = each(
        { kind: 'host', of: 'placement' },
        names,
        (name) => name,
        (name) => renew(name, options),
      );
      for (const host of renewed) if (host !== undefined) pool.put(host, options);
      return pool;
    },
    charge(host, charge) {
      pending.set(host, [...(pending.get(host) ?? []), charge]);
      changed.add(host);
    },
  };
}
