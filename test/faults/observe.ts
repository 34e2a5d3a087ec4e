/** What there really is, asked of the Engines, the agents' own files and DNS, not of the schedulers that are judged. Effects: questions. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { engineJson } from '../../src/engine/request.ts';
import { type Cluster, runProgram } from '../support/cluster/cluster.ts';
import { leaderOf } from '../support/cluster/leaders.ts';
import { leftovers, type NetworkReport } from '../support/cluster/leftovers.ts';
import { promisedMs } from '../support/promised.ts';
import type { Observation, SeenContainer } from './checker.ts';
import { DEPLOYMENT } from './clients.ts';

interface Summary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> };
}

/** Containers of all Engines that answer, and the epochs. */
export async function observe(cluster: Cluster, startMs: number): Promise<Observation> {
  // A fence is there before what it guards, and goes after it: looked for on both sides of the containers.
  const before = await isolatedHosts(cluster);
  const seen = await Promise.all(cluster.lab.hosts.map((host) => containersOn(host.name, host.socket)));
  const isolated = [...new Set([...before, ...(await isolatedHosts(cluster))])];
  const [epochs, logs] = [await epochsOf(cluster), logsOf(cluster)];
  return { atMs: Date.now() - startMs, settled: false, containers: seen.flat(), isolated, epochs, logs };
}

/** How much each process has written so far. */
function logsOf({ lab, schedulers }: Cluster): Readonly<Record<string, number>> {
  const files = [
    ...schedulers.map(({ name }) => [name, join(lab.dir, `${name}.log`)] as const),
    ...lab.hosts.map(({ name, dir }) => [`the agent of ${name}`, join(dir, 'agent.log')] as const),
  ];
  return Object.fromEntries(files.map(([name, file]) => [name, statSync(file, { throwIfNoEntry: false })?.size ?? 0]));
}

/** Somebody took this host's fences away, which are back when its agent has looked: until then it counts as if it had them. */
const withoutFences = new Map<string, number>();
/** An agent looks every 10 s. */
const FENCE_BACK_MS = 15_000;

export const unfenced = (host: string): void => void withoutFences.set(host, Date.now() + promisedMs(FENCE_BACK_MS));

/** Hosts that are cut off, and those whose overlay packets every other host drops. */
async function isolatedHosts(cluster: Cluster): Promise<readonly string[]> {
  const { hosts } = cluster.lab;
  const looks = await Promise.all(
    hosts.map(async ({ name, address, namespace }) => {
      const [link, rules] = await Promise.all([
        runProgram('ip', ['-n', namespace, '-o', 'link', 'show', 'eth0']),
        runProgram('nsenter', [`--net=/run/netns/${namespace}`, 'iptables', '-w', '5', '-S', 'INPUT']),
      ]);
      return { name, address, isCut: link.stdout.includes('NO-CARRIER'), rules: rules.stdout };
    }),
  );
  const reachable = looks.filter((look) => !look.isCut);
  const isFenced = (address: string, name: string) => {
    const others = reachable.filter((other) => other.name !== name && (withoutFences.get(other.name) ?? 0) < Date.now());
    return others.length > 0 && others.every(({ rules }) => rules.includes(`-s ${address}/32`));
  };
  return looks.flatMap(({ name, address, isCut }) => (isCut || isFenced(address, name) ? [name] : []));
}

/** The same after the faults are over, with DNS and the audit. */
export async function observeSettled(cluster: Cluster, startMs: number): Promise<Observation> {
  const leader = await leaderOf(cluster);
  if (leader === undefined) throw new Error('nobody leads');
  const json = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${leader.url}/arpanet/v1/${path}`, { signal: AbortSignal.timeout(20_000) })).json()) as T;
  const { findings } = await json<{ findings: readonly { where: string; host?: string; what: string }[] }>('audit');
  const networks = await json<readonly NetworkReport[]>('networks');
  const seen = await observe(cluster, startMs);
  const shared = networks.find((network) => network.name === `${DEPLOYMENT}_default`);
  const dns = await Promise.all(dnsServers(shared).map(async ({ host, ip }) => [host, await dig(cluster, host, ip)] as const));
  const running = seen.containers.filter((container) => container.running);
  const shouldResolve = running.flatMap(({ addresses }) => addresses.map((address) => address.split('/')[1] ?? '')).sort();
  return {
    ...seen,
    settled: true,
    leading: await leadingOf(cluster),
    findings: findings.map(({ where, host = '', what }) => `${where} ${host} ${what}`),
    dns: Object.fromEntries(dns),
    shouldResolve,
  };
}

/** The hosts that have the network, and where each answers its names: at the gateway, which is the first address of the subnet on all of them. */
export function dnsServers(network: NetworkReport | undefined): readonly { readonly host: string; readonly ip: string }[] {
  const ip = network?.cidr.replace(/\d+\/\d+$/, '1') ?? '';
  return (network?.leases ?? []).filter(({ kind }) => kind === 'gateway').map(({ host }) => ({ host, ip }));
}

/** With all removed: what is left anywhere. */
export async function observeEnd(cluster: Cluster, startMs: number): Promise<Observation> {
  const { shouldResolve: _none, ...seen } = await observeSettled(cluster, startMs);
  const leader = await leaderOf(cluster);
  return { ...seen, leftovers: await leftovers({ ...cluster, url: leader?.url ?? cluster.url }, [DEPLOYMENT]) };
}

export async function containersOn(host: string, socket: string): Promise<readonly SeenContainer[]> {
  const ask = { method: 'GET', path: '/containers/json?all=1', timeoutMs: 5_000 };
  const seen = await engineJson<readonly Summary[]>({ socketPath: socket }, ask).catch(() => []);
  return seen.map(({ Names, State, NetworkSettings }) => ({
    host,
    name: (Names[0] ?? '').slice(1),
    running: State === 'running',
    addresses: Object.entries(NetworkSettings.Networks).flatMap(([network, { IPAddress }]) =>
      IPAddress === '' ? [] : [`${network}/${IPAddress}`],
    ),
  }));
}

async function leadingOf(cluster: Cluster): Promise<readonly string[]> {
  const roles = await Promise.all(
    cluster.schedulers.map(async ({ name, url }) => {
      const answer = await fetch(`${url}/arpanet/v1/health`, { signal: AbortSignal.timeout(3_000) }).catch(() => undefined);
      return answer !== undefined && ((await answer.json()) as { role: string }).role === 'leading' ? [name] : [];
    }),
  );
  return roles.flat();
}

async function epochsOf(cluster: Cluster): Promise<Record<string, number>> {
  const epochs: Record<string, number> = {};
  for (const host of cluster.lab.hosts) {
    try {
      epochs[host.name] = (JSON.parse(readFileSync(join(host.dir, 'agent', 'epoch'), 'utf8')) as { epoch: number }).epoch;
    } catch {
      // not written yet
    }
  }
  for (const { http } of cluster.consuls) {
    try {
      const answer = await fetch(`http://${http}/v1/kv/arpanet/epoch?raw&consistent`, { signal: AbortSignal.timeout(1_000) });
      if (!answer.ok) continue;
      epochs['store'] = Number(await answer.text());
      break;
    } catch {
      // this server is away
    }
  }
  return epochs;
}

export async function dig(cluster: Cluster, host: string, server: string): Promise<readonly string[]> {
  const namespace = cluster.lab.hosts.find((one) => one.name === host)?.namespace ?? '';
  const args = [
    `--net=/run/netns/${namespace}`,
    'dig',
    '+short',
    '+tcp',
    '+time=3',
    '+tries=2',
    `@${server}`,
    `${DEPLOYMENT}.service.consul`,
  ];
  const { stdout } = await runProgram('nsenter', args);
  return stdout
    .split('\n')
    .filter((line) => /^\d+\.\d+\.\d+\.\d+$/.test(line))
    .sort();
}
