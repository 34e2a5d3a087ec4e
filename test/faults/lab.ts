/** The cluster that the faults strike: 3 schedulers, 3 Consul servers, 3 hosts; and what is measured while one strikes. Effects. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster, until } from '../support/cluster/cluster.ts';
import { compiled } from '../support/cluster/compiled.ts';
import { type Leader, leaderOf } from '../support/cluster/leaders.ts';
import { type Loss, lossWatcher } from './measure.ts';
import type { Fault } from './schedule.ts';
import { plan } from './strikes.ts';
import { beginWork, type Ended } from './work.ts';

export const startFaultLab = (): Promise<Cluster> =>
  startCluster({
    store: 'consul',
    consulServers: 3,
    schedulers: 3,
    hosts: 3,
    mixed: true,
    relayed: true,
    schedulerArgs: ['--lease-rest', '5s'],
    logLevel: 'info',
  });

/** For `startScheduler`: a scheduler with the failpoints and bugs of scheduler-main.ts, armed by files in the folder. */
export const schedulerWithFaults = (dir: string): readonly string[] => [compiled('test/faults/scheduler-main.ts'), dir];

/** The cluster's own setting: a host is down after this. */
const DOWN_AFTER_MS = 10_000;
/** Only work with a host that is lost for so long has to end: where it comes back soon, it goes on. */
const AT_WORK_MS = 30_000;

/** What is harmed already is left alone: two faults on one part would undo each other's undoing. */
export interface Harm {
  readonly parts: Set<string>;
}

export interface Struck {
  /** Which of them. */
  readonly target: number;
  /** From a leader's death or clean stop until another leads. */
  readonly failoverMs: number | undefined;
  readonly loss: Loss | undefined;
  /** Work that went on with a host when that was cut off. */
  readonly work: readonly Ended[];
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Does the fault, and undoes it after its time. Resolves when it is undone; undefined: it struck nothing. */
export async function strike(cluster: Cluster, harm: Harm, fault: Fault, wait: (ms: number) => Promise<void>): Promise<Struck | undefined> {
  const leader = fault.isLeader && fault.kind.startsWith('scheduler') ? await leaderOf(cluster) : undefined;
  const target = leader?.index ?? fault.target;
  const [parts, undo] = plan(cluster, fault, target);
  // A quorum of Consul stays, unless its absence is the fault itself.
  if (parts.some((one) => one.startsWith('consul')) && [...harm.parts].some((harmed) => harmed.startsWith('consul'))) return undefined;
  if (parts.some((one) => harm.parts.has(one))) return undefined;
  for (const one of parts) harm.parts.add(one);
  let failover: Promise<number | undefined> | undefined;
  let loss: Promise<Loss> | undefined;
  let work: Promise<readonly Ended[]> | undefined;
  const startedMs = Date.now();
  try {
    const isDeath = fault.kind === 'scheduler-kill' || fault.kind === 'scheduler-stop';
    if (leader !== undefined && isDeath) failover = anotherLeads(cluster, leader);
    const over = new AbortController();
    const isLoss = ['host-loss', 'host-power', 'host-cut'].includes(fault.kind) && fault.forMs > DOWN_AFTER_MS;
    const watch = isLoss ? await lossWatcher(cluster, target) : undefined;
    const underWay = isLoss && fault.forMs > AT_WORK_MS ? await beginWork(cluster, target, fault.dice) : undefined;
    const heal = await undo();
    loss = watch?.(over.signal);
    work = underWay?.watch();
    await wait(fault.forMs);
    over.abort();
    await heal();
    await work;
    await underWay?.clear();
  } finally {
    for (const one of parts) harm.parts.delete(one);
  }
  return { target, failoverMs: await failover, loss: await loss, work: (await work) ?? [], startedMs, endedMs: Date.now() };
}

/** Undefined: other faults kept everybody from leading. */
async function anotherLeads(cluster: Cluster, old: Leader): Promise<number | undefined> {
  const sinceMs = Date.now();
  while (Date.now() - sinceMs < 40_000) {
    const leader = await leaderOf(cluster);
    if (leader !== undefined && leader.epoch > old.epoch) return Date.now() - sinceMs;
    await sleep(100);
  }
  return undefined;
}

/** One leads and every host is with it. How long that took. */
export async function settled(cluster: Cluster, timeoutMs: number): Promise<number> {
  const sinceMs = Date.now();
  await until(
    'one leads and every host is alive',
    async () => {
      const leader = await leaderOf(cluster);
      if (leader === undefined) return false;
      const hosts = (await (await fetch(`${leader.url}/arpanet/v1/hosts`, { signal: AbortSignal.timeout(3_000) })).json()) as {
        state: string;
      }[];
      return hosts.every((host) => host.state === 'alive');
    },
    timeoutMs,
  );
  return Date.now() - sinceMs;
}
