/** How each fault is done to the lab's cluster and undone. Effects. */
import { type Cluster, endProcess, must, runProgram } from '../support/cluster/cluster.ts';
import { unfenced } from './observe.ts';
import type { Fault } from './schedule.ts';

const ALL_CONSUL: readonly string[] = ['consul 0', 'consul 1', 'consul 2'];
/** For each answer: what a request takes in all stays below the checker's bound. */
const SLOW_STORE_MS = [200, 1_200] as const;

type LocalHost = Cluster['lab']['hosts'][number];
/** Does the fault; what it gives undoes it. */
type Do = () => Promise<() => Promise<void>>;

export function plan(cluster: Cluster, { kind, dice }: Fault, target: number): readonly [parts: readonly string[], Do] {
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
        [`scheduler ${target}`],
        async () => {
          if (kind === 'scheduler-kill') scheduler.process.kill('SIGKILL');
          await endProcess(scheduler.process);
          return () => cluster.startScheduler(target);
        },
      ];
    case 'scheduler-freeze':
      return [[`scheduler ${target}`], freeze(() => scheduler.process.pid)];
    case 'scheduler-cut-from-consul':
      return [[`scheduler ${target}`], async () => (line.consul.cut(), async () => line.consul.heal())];
    case 'scheduler-cut-from-agents':
      return [[`scheduler ${target}`], async () => (line.agents.cut(), async () => line.agents.heal())];
    case 'agent-kill':
      return [[`host ${target}`], async () => (await gone(), () => cluster.startAgent(host.name))];
    case 'agent-freeze':
      return [[`host ${target}`], freeze(() => agent()?.pid)];
    case 'engine-kill':
    case 'engine-stop':
      return [
        [`host ${target}`],
        async () => {
          await cluster.lab.stopEngine(host, kind === 'engine-kill' ? 'SIGKILL' : 'SIGTERM');
          return () => cluster.lab.startEngine(host);
        },
      ];
    case 'engine-freeze':
      return [[`host ${target}`], freeze(() => cluster.lab.enginePid(host))];
    case 'firewall-flush':
      return [[`host ${target}`], async () => (await flush(host), async () => undefined)];
    case 'device-delete':
      return [[`host ${target}`], async () => (await deleteDevice(host, dice), async () => undefined)];
    case 'host-power':
      return [
        [`host ${target}`],
        async () => {
          await cluster.lab.cut(host);
          await gone();
          await cluster.lab.stopEngine(host, 'SIGKILL');
          return async () => {
            // as after a boot: nothing reaches it before it has come up
            await cluster.lab.startEngine(host);
            await cluster.startAgent(host.name);
            await cluster.lab.heal(host);
          };
        },
      ];
    case 'host-cut':
    case 'host-loss':
      return [[`host ${target}`], async () => (await cluster.lab.cut(host), () => cluster.lab.heal(host))];
    case 'consul-kill':
      return [[`consul ${target}`], async () => (await consul.kill(), () => revived(consul))];
    case 'consul-freeze':
      return [[`consul ${target}`], freeze(() => consul.pid)];
    case 'store-slow':
      return [
        ALL_CONSUL,
        async () => {
          for (const { consul: relay } of cluster.lines)
            relay.slow(Math.round(SLOW_STORE_MS[0] + (SLOW_STORE_MS[1] - SLOW_STORE_MS[0]) * dice));
          return async () => {
            for (const { consul: relay } of cluster.lines) relay.slow(0);
          };
        },
      ];
    case 'store-away-at-start':
      return [
        [...ALL_CONSUL, ...cluster.schedulers.map((_, index) => `scheduler ${index}`)],
        async () => {
          const heal = cutFromConsul(cluster);
          for (const one of cluster.schedulers) one.process.kill('SIGKILL');
          await Promise.all(cluster.schedulers.map((one) => endProcess(one.process)));
          await Promise.all(cluster.schedulers.map((_, index) => cluster.startScheduler(index)));
          return async () => heal();
        },
      ];
    default:
      return [
        ALL_CONSUL,
        async () => {
          const heal = cutFromConsul(cluster);
          return async () => heal();
        },
      ];
  }
}

/** On a machine that is busy it takes longer to find the others than its start waits, which ends it then. */
async function revived(consul: Cluster['consuls'][number], tries = 5): Promise<void> {
  for (let left = tries; ; left--) {
    try {
      return await consul.revive();
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}

function cutFromConsul({ lines }: Cluster): () => void {
  const cut = lines.filter(({ consul }) => !consul.isCut);
  for (const { consul } of cut) consul.cut();
  return () => {
    for (const { consul } of cut) consul.heal();
  };
}

const inNamespace = (host: LocalHost, ...command: readonly string[]) =>
  must(runProgram('nsenter', [`--net=/run/netns/${host.namespace}`, ...command]));

/** As a firewall's reload. */
async function flush(host: LocalHost): Promise<void> {
  unfenced(host.name);
  for (const chain of ['INPUT', 'OUTPUT']) await inNamespace(host, 'iptables', '-w', '5', '-F', chain);
}

/** A VXLAN device, or the bridge of a network, as somebody's hand deletes it. */
async function deleteDevice(host: LocalHost, dice: number): Promise<void> {
  const links = await Promise.all(
    ['vxlan', 'bridge'].map(
      async (type) => JSON.parse(await inNamespace(host, 'ip', '-j', 'link', 'show', 'type', type)) as { ifname?: string }[],
    ),
  );
  const names = links.flat().flatMap(({ ifname }) => (ifname === undefined || ifname === 'docker0' ? [] : [ifname]));
  const name = names[Math.floor(dice * names.length)];
  if (name !== undefined) await inNamespace(host, 'ip', 'link', 'delete', name);
}
