/**
 * What the leader knows of the cluster, as Prometheus' metrics. Labels are hosts, states and deployments that exist now: a series goes with what it
 * is of. Deployments beyond `MOST_DEPLOYMENTS` are counted together. Pure.
 */
import type { Steps } from '../../async/steps.ts';
import type { ContainerView, HostView, ServiceView } from '../../model/index.ts';
import { eachInSteps } from '../../telemetry/left-out.ts';
import type { Family, MetricType, Sample } from '../../telemetry/metrics.ts';
import { parseSubnet } from '../../text/ipv4.ts';
import type { Observed } from './report.ts';
import { isDone, isUp } from './service-report.ts';

/** Labels of their own have the first of them by name. */
export const MOST_DEPLOYMENTS = 500;
const OTHERS = 'others';

const HOST_STATES: readonly HostView['state'][] = ['joining', 'alive', 'suspect', 'down'];

type Seen = Pick<
  Observed,
  'leader' | 'hosts' | 'containers' | 'instances' | 'networks' | 'leases' | 'reserved' | 'stuck' | 'unreadable' | 'schedulers' | 'frozen'
>;
type ServiceSteps = () => Steps<readonly ServiceView[]>;

/** `pool`: the CIDR that subnets of new networks come from. One walk over hosts, containers, leases and services, in steps: there may be 30,000 containers. */
export function* clusterFamilies(seen: Seen, serviceSteps: ServiceSteps, pool: string): Steps<readonly Family[]> {
  const hosts = hostFamilies(seen);
  yield;
  const containers = yield* containerFamilies(seen, serviceSteps);
  yield;
  const networks = networkFamilies(seen, pool);
  yield;
  return [
    one('arpanet_cluster_frozen', 'gauge', '1 while changes are refused.', Number(seen.frozen !== undefined)),
    one('arpanet_schedulers', 'gauge', 'Schedulers that have announced themselves to the leader, and it.', seen.schedulers.length),
    ...hosts,
    ...containers,
    ...networks,
    one('arpanet_names', 'gauge', 'Instances in the name table.', seen.instances.length),
    one(
      'arpanet_store_unreadable_records',
      'gauge',
      'Records of the state store that cannot be read and are set aside.',
      seen.unreadable.length,
    ),
  ];
}

function hostFamilies({ hosts, reserved }: Seen): readonly Family[] {
  const states = tally(hosts.map(({ state }) => state));
  const perHost = (name: string, help: string, valueOf: (host: HostView) => number | undefined): Family => ({
    name,
    type: 'gauge',
    help,
    labels: ['host'],
    samples: hosts.flatMap((host) => {
      const value = valueOf(host);
      return value === undefined ? [] : [{ labels: { host: host.name }, value }];
    }),
  });
  return [
    {
      name: 'arpanet_hosts',
      type: 'gauge',
      help: 'Hosts by state: joining, alive, suspect, down.',
      labels: ['state'],
      samples: HOST_STATES.map((state) => ({ labels: { state }, value: states.get(state) ?? 0 })),
    },
    perHost('arpanet_host_up', '1 while the host is alive.', ({ state }) => Number(state === 'alive')),
    perHost('arpanet_host_closed', '1 while it takes no new containers: paused or drained.', ({ record }) =>
      Number(record.availability !== 'active'),
    ),
    perHost('arpanet_host_cpus', 'Processors.', ({ facts }) => facts?.cpus),
    perHost('arpanet_host_cpu_busy_ratio', 'Busy share of all processors, 0 to 1.', ({ load }) => load?.cpu),
    perHost('arpanet_host_memory_bytes', 'Memory.', ({ facts }) => facts?.memoryBytes),
    perHost('arpanet_host_memory_used_bytes', 'Memory in use.', ({ load }) => load?.memoryUsedBytes),
    perHost('arpanet_host_reserved_cpus', 'Processors that containers reserve.', ({ name }) => reserved.get(name)?.cores ?? 0),
    perHost('arpanet_host_reserved_memory_bytes', 'Memory that containers reserve.', ({ name }) => reserved.get(name)?.memoryBytes ?? 0),
  ];
}

function* containerFamilies({ containers, stuck }: Seen, serviceSteps: ServiceSteps): Steps<readonly Family[]> {
  const byDeployment = new Map<string, Map<string, number>>();
  const count = (container: ContainerView): void => {
    const deployment = container.record?.deployment ?? '';
    const state = stateOf(container);
    const states = byDeployment.get(deployment) ?? new Map<string, number>();
    if (states.size === 0) byDeployment.set(deployment, states);
    states.set(state, (states.get(state) ?? 0) + 1);
  };
  yield* eachInSteps({ kind: 'container', of: 'the metrics' }, containers, ({ name }) => name, count);
  const services = yield* serviceSteps();
  const missing = yield* eachInSteps(
    { kind: 'service', of: 'the metrics' },
    services,
    ({ deployment, service }) => `${deployment}/${service}`,
    ({ deployment, record, desired, instances }) => {
      const wanted = record === undefined || record.job !== undefined ? 0 : desired - record.stopped.length;
      return { deployment, count: Math.max(0, wanted - instances.filter((one) => isUp(one) || isDone(one)).length) };
    },
  );
  const named = bounded(new Set([...byDeployment.keys(), ...missing.map(({ deployment }) => deployment)]));
  const counts = new Map<string, number>();
  for (const [deployment, states] of byDeployment) {
    const shown = named(deployment);
    for (const [state, value] of states) counts.set(`${shown}\0${state}`, (counts.get(`${shown}\0${state}`) ?? 0) + value);
  }
  const lacking = new Map<string, number>();
  for (const { deployment, count } of missing) lacking.set(named(deployment), (lacking.get(named(deployment)) ?? 0) + count);
  return [
    {
      name: 'arpanet_containers',
      type: 'gauge',
      help: 'Containers by deployment and state; deployment is empty for what the cluster did not make, state is unknown while its host is unreachable.',
      labels: ['deployment', 'state'],
      samples: [...counts].map(([key, value]) => {
        const [deployment = '', state = ''] = key.split('\0');
        return { labels: { deployment, state }, value };
      }),
    },
    {
      name: 'arpanet_deployment_missing_instances',
      type: 'gauge',
      help: 'Instances that services should have and do not: their count less what runs, has ended well, or was stopped by a person.',
      labels: ['deployment'],
      samples: [...lacking].map(([deployment, value]) => ({ labels: { deployment }, value })),
    },
    one('arpanet_lost_containers', 'gauge', 'Containers that are lost with their host and cannot be replaced now.', stuck.length),
  ];
}

function networkFamilies({ networks, leases }: Seen, pool: string): readonly Family[] {
  const states = tally(leases.map(({ state }) => state));
  const space = parseSubnet(pool);
  const sizes = networks.map(({ cidr }) => parseSubnet(cidr)).filter((subnet) => subnet !== undefined);
  const used = space === undefined ? [] : sizes.filter(({ first, last }) => first >= space.first && last <= space.last);
  const sizeOf = ({ first, last }: { readonly first: number; readonly last: number }) => last - first + 1;
  return [
    one('arpanet_networks', 'gauge', 'Networks of the cluster.', networks.length),
    {
      name: 'arpanet_leases',
      type: 'gauge',
      help: 'Leases of addresses by state: offered, bound, resting.',
      labels: ['state'],
      samples: (['offered', 'bound', 'resting'] as const).map((state) => ({ labels: { state }, value: states.get(state) ?? 0 })),
    },
    one('arpanet_pool_addresses', 'gauge', 'Addresses of the pool that subnets come from.', space === undefined ? 0 : sizeOf(space)),
    one(
      'arpanet_pool_used_addresses',
      'gauge',
      'Of these, how many the subnets of networks have.',
      used.reduce((sum, subnet) => sum + sizeOf(subnet), 0),
    ),
  ];
}

function stateOf({ facts, hostState }: ContainerView): string {
  if (hostState === 'down' || hostState === 'suspect') return 'unknown';
  const state = facts.inspect.State.Status;
  const health = facts.inspect.State.Health?.Status;
  return state === 'running' && health === 'unhealthy' ? 'unhealthy' : STATES.has(state) ? state : 'unknown';
}

/** Docker's words, API 1.24 on. */
const STATES: ReadonlySet<string> = new Set(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']);

/** How each name is counted: by itself, or with the others. */
function bounded(names: ReadonlySet<string>): (name: string) => string {
  if (names.size <= MOST_DEPLOYMENTS) return (name) => name;
  const own = new Set([...names].sort().slice(0, MOST_DEPLOYMENTS));
  return (name) => (own.has(name) ? name : OTHERS);
}

function tally(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function one(name: string, type: MetricType, help: string, value: number): Family {
  const samples: readonly Sample[] = [{ value }];
  return { name, type, help, samples };
}
