/** The cluster that the faults strike: 3 schedulers, 3 Consul servers, 3 hosts, and how each fault is done and undone. Effects. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, endProcess, startCluster, until } from '../support/cluster/cluster.ts';
import { compiled } from '../support/cluster/compiled.ts';
import { type Leader, leaderOf } from '../support/cluster/leaders.ts';
import { type Loss, lossWatcher } from './measure.ts';
import type { Fault } from './schedule.ts';

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

/** What is harmed already is left alone: two faults on one part would undo each other's undoing. */
export interface Harm {
  readonly parts: Set<string>;
}

export interface Struck {
  /** From a leader's death or clean stop until another leads. */
  readonly failoverMs: number | undefined;
  readonly loss: Loss | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Does the fault, and undoes it after its time. Resolves when it is undone; undefined: it struck nothing. */
export async function strike(cluster: Cluster, harm: Harm, fault: Fault, wait: (ms: number) => Promise<void>): Promise<Struck | undefined> {
  const leader = fault.isLeader && fault.kind.startsWith('scheduler') ? await leaderOf(cluster) : undefined;
  const target = leader?.index ?? fault.target;
  const [part, undo] = plan(cluster, fault, target);
  const parts = part === 'all consul' ? ['consul 0', 'consul 1', 'consul 2'] : [part];
  // A quorum of Consul stays, unless its absence is the fault itself.
  if (fault.kind.startsWith('consul') && [...harm.parts].some((harmed) => harmed.startsWith('consul'))) return undefined;
  if (parts.some((one) => harm.parts.has(one))) return undefined;
  for (const one of parts) harm.parts.add(one);
  let failover: Promise<number | undefined> | undefined;
  let loss: Promise<Loss> | undefined;
  const startedMs = Date.now();
  try {
    const isDeath = fault.kind === 'scheduler-kill' || fault.kind === 'scheduler-stop';
    if (leader !== undefined && isDeath) failover = anotherLeads(cluster, leader);
    const over = new AbortController();
    const isLoss = fault.kind === 'host-loss' || (fault.kind === 'host-cut' && fault.forMs > DOWN_AFTER_MS);
    const watch = isLoss ? await lossWatcher(cluster, target) : undefined;
    const heal = await undo();
    loss = watch?.(over.signal);
    await wait(fault.forMs);
    over.abort();
    await heal();
  } finally {
    for (const one of parts) harm.parts.delete(one);
  }
  return { failoverMs: await failover, loss: await loss, startedMs, endedMs: Date.now() };
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

type Do = () => Promise<() => Promise<void>>;

function plan(cluster: Cluster, { kind }: Fault, target: number): readonly [string, Do] {
  const scheduler = cluster.schedulers[target];
  const line = cluster.lines[target];
  const host = cluster.lab.hosts[target];
  const consul = cluster.consuls[target];
  if (scheduler === undefined || line === undefined || host === undefined || consul === undefined) throw new Error(`no part ${target}`);
  const signal = (pid: number | undefined, name: NodeJS.Signals): void => void (pid !== undefined && process.kill(pid, name));
  const freeze = (pid: () => number | undefined): Do => {
    return async () => {
      const frozen = pid();
      signal(frozen, 'SIGSTOP');
      return async () => signal(frozen, 'SIGCONT');
    };
  };
  const agent = () => cluster.agents.get(host.name);
  const gone = async (): Promise<void> => {
    const child = agent();
    child?.kill('SIGKILL');
    if (child !== undefined) await endProcess(child);
  };
  switch (kind) {
    case 'scheduler-kill':
    case 'scheduler-stop':
      return [
        `scheduler ${target}`,
        async () => {
          if (kind === 'scheduler-kill') scheduler.process.kill('SIGKILL');
          await endProcess(scheduler.process);
          return () => cluster.startScheduler(target);
        },
      ];
    case 'scheduler-freeze':
      return [`scheduler ${target}`, freeze(() => scheduler.process.pid)];
    case 'scheduler-cut-from-consul':
      return [`scheduler ${target}`, async () => (line.consul.cut(), async () => line.consul.heal())];
    case 'scheduler-cut-from-agents':
      return [`scheduler ${target}`, async () => (line.agents.cut(), async () => line.agents.heal())];
    case 'agent-kill':
      return [`host ${target}`, async () => (await gone(), () => cluster.startAgent(host.name))];
    case 'agent-freeze':
      return [`host ${target}`, freeze(() => agent()?.pid)];
    case 'engine-kill':
    case 'engine-stop':
      return [
        `host ${target}`,
        async () => {
          await cluster.lab.stopEngine(host, kind === 'engine-kill' ? 'SIGKILL' : 'SIGTERM');
          return () => cluster.lab.startEngine(host);
        },
      ];
    case 'host-cut':
    case 'host-loss':
      return [`host ${target}`, async () => (await cluster.lab.cut(host), () => cluster.lab.heal(host))];
    case 'consul-kill':
      return [`consul ${target}`, async () => (await consul.kill(), () => consul.revive())];
    case 'consul-freeze':
      return [`consul ${target}`, freeze(() => consul.pid)];
    default:
      return [
        'all consul',
        async () => {
          const cut = cluster.lines.filter(({ consul: relay }) => !relay.isCut);
          for (const { consul: relay } of cut) relay.cut();
          return async () => {
            for (const { consul: relay } of cut) relay.heal();
          };
        },
      ];
  }
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
