/** How fast placement alone is with so many hosts, in decisions for each second of CPU: no store, no Engine, and each decision is charged to its host. */
import { chargeFor, placeIn } from '../src/scheduler/placement/index.ts';
import { createHostPool } from '../src/scheduler/placement/host-pool.ts';
import { hostSnapshot, placedContainer, placementWish } from '../test/support/fakes/literal-placement.ts';

const DECISIONS = 3_000;

/** `each`: containers on a host. All hosts have the image. */
export function placementsPerSecond(hosts: number, each: number): number {
  const pool = createHostPool();
  const options = { strategy: 'spread', nowMs: 1_000, random: Math.random } as const;
  const names = Array.from({ length: hosts }, (_, i) => `h${i}`);
  for (const [i, name] of names.entries()) {
    const containers = Array.from({ length: each }, (_, at) => placedContainer(`c${i}-${at}`, { deployment: `d${i}`, service: 'web' }));
    pool.put(hostSnapshot(name, { load: { cpu: Math.random() / 2, memoryUsedBytes: 0, atMs: 1_000 }, containers }), options);
  }
  const imageHosts = new Set(names);
  const began = process.cpuUsage();
  for (let i = 0; i < DECISIONS; i++) {
    const request = placementWish({ deployment: `d${i % 10}`, service: `s${i % 50}`, name: `n${i}`, imageHosts });
    const placement = placeIn(request, pool, options, () => false, []);
    const host = placement.kind === 'placed' ? pool.get(placement.decision.host) : undefined;
    if (host === undefined) throw new Error('nothing fits');
    pool.put({ ...host, pending: [...host.pending, chargeFor(request, host, options.nowMs)] }, options);
  }
  const { user, system } = process.cpuUsage(began);
  return DECISIONS / ((user + system) / 1e6);
}
