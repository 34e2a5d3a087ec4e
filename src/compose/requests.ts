/** A service's definition -> the create request of each of its instances, as compose would have sent it (docker/compose, pkg/compose/create.go). Pure. */
import {
  ArpanetError,
  type CreateRequest,
  type EndpointSettings,
  type HostConfig,
  type Json,
  labels,
  type SecretKind,
  composeLabels,
} from '../model/index.ts';
import { type Definition, isMap } from './normalize.ts';
import { hashedText } from './compose-hash.ts';
import { hookLabels } from './hooks.ts';
import { anonymousVolumes, mountsOf } from './mounts.ts';
import { secretFiles } from './stored-files.ts';
import { absolutePath, bytesOf, nanosecondsOf, type Port, portsOf, refuseManyPorts, swapOf, textOf, wordsOf } from './values.ts';
import { formatReservedCpus } from '../text/reserve-label.ts';

/** What a stack's names mean in the cluster. */
export interface Surroundings {
  readonly project: string;
  /** The folder that `./here` is in. */
  readonly folder: string;
  readonly files: readonly string[];
  /** The cluster's names of the file's networks and volumes; throws for one that the file does not have. */
  readonly network: (name: string) => string;
  readonly volume: (name: string) => string;
  /** The contents of a service's env files. */
  readonly envFiles: (entries: readonly unknown[]) => Readonly<Record<string, string | null>>;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly hash: (text: string) => string;
  /** What an image's name means in the cluster; undefined: not there. */
  readonly imageId: (reference: string) => string | undefined;
  /** fig's form: `abc_web` is what it calls the image that it builds. */
  readonly isFig: boolean;
  /** The id of a stored secret or config that a file calls by this name; throws for one that no file has. */
  readonly storedId: (kind: SecretKind, key: string) => string;
  /** How many hosts there are: a global service has an instance on each that takes it. */
  readonly hostCount: number;
}

type Texts = Readonly<Record<string, string | null>>;
const map = (value: unknown): Json => (isMap(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
const some = (fields: Json): Json => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const when = <T>(value: unknown, make: (value: unknown) => T): T | undefined => (value === undefined ? undefined : make(value));
const truth = (value: unknown) => value === true || value === 'true';

/** Runs once on every host. Throws `invalid` for the modes of jobs, and for what contradicts it. */
export function isGlobal(definition: Definition): boolean {
  const { mode = 'replicated', replicas } = map(definition['deploy']);
  if (mode === 'replicated') return false;
  if (mode !== 'global')
    throw new ArpanetError('invalid', `deploy.mode is "${textOf(mode)}": it is replicated or global; run jobs by "docker compose run"`);
  if (replicas !== undefined || definition['scale'] !== undefined)
    throw new ArpanetError('invalid', 'a global service runs once on every host: take replicas or scale out');
  if (definition['container_name'] !== undefined)
    throw new ArpanetError('invalid', 'container_name is one name for the instances on all hosts: take it out');
  return true;
}

const MOST_INSTANCES = 10_000;

/** Of a service that is not global. Throws `invalid`. */
export function replicasOf(definition: Definition): number {
  const given = definition['scale'] ?? map(definition['deploy'])['replicas'] ?? 1;
  const count = Number(given);
  if (!Number.isInteger(count) || count < 0)
    throw new ArpanetError('invalid', `${textOf(given)} instances: it must be a whole number from 0`);
  // the leader plans them all at once, and does nothing else meanwhile
  if (count > MOST_INSTANCES) throw new ArpanetError('invalid', `${count} instances: a service has at most ${MOST_INSTANCES}`);
  refuseManyPorts(publishedOf(definition).length * count);
  if (count > 1 && definition['container_name'] !== undefined)
    throw new ArpanetError('invalid', `container_name is one name for ${count} instances: take it out, or run 1`);
  return count;
}

export const nameOf = (project: string, service: string, definition: Definition, number: number): string =>
  typeof definition['container_name'] === 'string' ? definition['container_name'] : `${project}-${service}-${number}`;

/** Instance `number`; its config hash is the same for all numbers. Throws `invalid`. */
export function requestsOf(service: string, definition: Definition, around: Surroundings): (number: number) => CreateRequest {
  const { deploy } = definition;
  const fromEnvFiles = around.envFiles(listOf(definition['env_file']));
  const base = { ...bodyOf(definition, around, fromEnvFiles), Image: imageOf(service, definition, around) };
  const mode = modeOf(definition, around.project);
  const preferences = listOf(map(map(deploy)['placement'])['preferences']).flatMap((one) => texts([map(one)['spread']]));
  const constraints = texts(map(map(deploy)['placement'])['constraints']).map((one) => one.replaceAll(/\s*(==|!=)\s*/g, '$1'));
  const files = secretFiles(definition, around.storedId);
  const fromFiles = around.envFiles(listOf(definition['label_file']));
  const own: Record<string, string> = Object.fromEntries(
    Object.entries({ ...fromFiles, ...map(definition['labels']) }).map(([key, value]) => [key, value === null ? '' : textOf(value)]),
  );
  const alike = {
    ...own,
    ...(constraints.length === 0 ? {} : { [labels.constraints]: JSON.stringify(constraints) }),
    ...(preferences.length === 0 ? {} : { [labels.spread]: JSON.stringify(preferences) }),
    ...placementLabels(definition),
    ...(files.length === 0 ? {} : { [labels.files]: JSON.stringify(files) }),
    ...hookLabels(definition, around.variables),
    ...ingressLabel(definition, own[labels.ingress]),
    ...(map(deploy)['endpoint_mode'] === 'vip' ? { [labels.vip]: 'true' } : {}),
    [composeLabels.project]: around.project,
    [composeLabels.service]: service,
    [composeLabels.number]: '',
    [composeLabels.oneoff]: 'False',
    [composeLabels.configHash]: around.hash(
      hashedText(definition, {
        environment: fromEnvFiles,
        labels: fromFiles,
        variables: around.variables,
        pathOf: (path) => absolutePath(around.folder, path, around.variables['HOME']),
      }),
    ),
    [composeLabels.configFiles]: around.files.join(','),
    [composeLabels.workingDir]: around.folder,
    [composeLabels.dependsOn]: Object.entries(map(definition['depends_on']))
      .map(([name, entry]) => `${name}:${textOf(map(entry)['condition'] ?? 'service_started')}:false`)
      .join(','),
  };
  return (number) => {
    const endpoints = endpointsOf(service, definition, number, around);
    const [primary] = Object.keys(endpoints);
    return {
      ...base,
      Labels: { ...alike, [composeLabels.number]: textOf(number) },
      HostConfig: { ...base.HostConfig, NetworkMode: mode ?? primary ?? 'none' },
      ...(mode === undefined ? { NetworkingConfig: { EndpointsConfig: endpoints } } : {}),
    };
  };
}

function placementLabels(definition: Definition): Readonly<Record<string, string>> {
  // An instance on every host has no other place when its host is lost: every other host has its own.
  const deploy = map(definition['deploy']);
  const cpus = Number(map(map(deploy['resources'])['reservations'])['cpus'] ?? 0);
  const reserve = cpus > 0 ? { [labels.reserve]: formatReservedCpus(Math.round(cpus * 1e9)) } : {};
  if (isGlobal(definition)) return { ...reserve, [labels.maxPerHost]: '1', [labels.reschedule]: 'off' };
  const most = Number(map(deploy['placement'])['max_replicas_per_node'] ?? 0);
  return most > 0 ? { ...reserve, [labels.maxPerHost]: String(most) } : reserve;
}

/** What is built has the name that compose gives it. Throws `invalid` for a service that has neither. */
export function imageOf(
  service: string,
  { image, build }: Definition,
  { project, isFig }: Pick<Surroundings, 'project' | 'isFig'>,
): string {
  if (typeof image === 'string' && image !== '') return image;
  if (build === undefined) throw new ArpanetError('invalid', 'it has no image');
  return `${project}${isFig ? '_' : '-'}${service}`;
}

/** A mode of the Engine's own; undefined: networks of the cluster. */
function modeOf(definition: Definition, project: string): string | undefined {
  const mode = definition['network_mode'];
  if (typeof mode !== 'string' || mode === 'default') return undefined;
  const service = /^service:(.+)$/.exec(mode)?.[1];
  return service === undefined ? mode : `container:${project}-${service}-1`;
}

function endpointsOf(service: string, definition: Definition, number: number, around: Surroundings): Record<string, EndpointSettings> {
  const asked = Object.entries(isMap(definition['networks']) ? definition['networks'] : { default: null });
  const links = texts(definition['links']).map((link) => {
    const [target = '', alias = target] = link.split(':');
    return `${around.project}-${target}-1:${alias}`;
  });
  const outside = texts(definition['external_links']).map((link) => (link.includes(':') ? link : `${link}:${link}`));
  return Object.fromEntries(
    asked
      .toSorted(([, a], [, b]) => rankOf(b) - rankOf(a))
      .map(([name, entry]) => {
        const { aliases, ipv4_address: ip, mac_address: mac, driver_opts: options } = map(entry);
        const { ipv6_address: ip6 } = map(entry);
        if (map(entry)['link_local_ips'] !== undefined)
          throw new ArpanetError('invalid', `networks.${name}.link_local_ips is not supported: addresses are the cluster's`);
        const asked = {
          ...(typeof ip === 'string' ? { IPv4Address: ip } : {}),
          ...(typeof ip6 === 'string' ? { IPv6Address: ip6 } : {}),
        };
        return [
          around.network(name),
          {
            Aliases: [nameOf(around.project, service, definition, number), service, ...texts(aliases)],
            ...(links.length + outside.length === 0 ? {} : { Links: [...links, ...outside] }),
            ...(Object.keys(asked).length === 0 ? {} : { IPAMConfig: asked }),
            ...(typeof mac === 'string' ? { MacAddress: mac } : {}),
            ...(isMap(options) ? { DriverOpts: textsOf(options) } : {}),
          },
        ];
      }),
  );
}

const textsOf = (value: Json): Record<string, string> => Object.fromEntries(Object.entries(value).map(([key, one]) => [key, textOf(one)]));
/** The first network is the one with the way out. */
const rankOf = (entry: unknown) => Number(map(entry)['gw_priority'] ?? map(entry)['priority'] ?? 0);

const publishedOf = (definition: Definition): readonly Port[] =>
  (Array.isArray(definition['ports']) ? (definition['ports'] as unknown[]) : []).flatMap(portsOf);

/** Those at which every host answers, beside what the service's own label says. */
function ingressLabel(definition: Definition, own: string | undefined): Record<string, string> {
  const ports = publishedOf(definition).flatMap(({ isIngress, published, target }) => {
    const [port, protocol] = target.split('/');
    return isIngress === true ? [`${published}:${port}/${protocol}`] : [];
  });
  return ports.length === 0 ? {} : { [labels.ingress]: [...(own ? [own] : []), ...ports].join(',') };
}

/** All that is the same for every instance. */
function bodyOf(definition: Definition, around: Surroundings, fromEnvFiles: Texts): CreateRequest {
  const own = map(definition['environment']) as Texts;
  const env = Object.entries({ ...fromEnvFiles, ...own }).flatMap(([name, value]) => {
    const given = value ?? around.variables[name];
    return given === undefined ? [] : [`${name}=${given}`];
  });
  const ports = publishedOf(definition).filter(({ isIngress }) => isIngress !== true);
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { target, hostIp, published } of ports) (bindings[target] ??= []).push({ HostIp: hostIp, HostPort: published });
  const exposed = texts(definition['expose']).flatMap((one) => portsOf(one).map((port) => port.target));
  return {
    ...some({
      Hostname: definition['hostname'],
      Domainname: definition['domainname'],
      User: when(definition['user'], String),
      WorkingDir: definition['working_dir'],
      Tty: when(definition['tty'], truth),
      OpenStdin: when(definition['stdin_open'], truth),
      Cmd: definition['command'],
      Entrypoint: definition['entrypoint'],
      StopSignal: definition['stop_signal'],
      StopTimeout: when(definition['stop_grace_period'], (value) => Math.ceil(nanosecondsOf(value) / 1e9)),
      MacAddress: definition['mac_address'],
      Healthcheck: when(definition['healthcheck'], (value) => healthcheckOf(map(value))),
    }),
    Env: env,
    ExposedPorts: Object.fromEntries([...Object.keys(bindings), ...exposed].map((port) => [port, {}])),
    Volumes: Object.fromEntries(anonymousVolumes(definition).map((target) => [target, {}])),
    HostConfig: hostConfigOf(definition, around, bindings),
  };
}

function hostConfigOf(definition: Definition, around: Surroundings, bindings: HostConfig['PortBindings']): HostConfig {
  const deploy = map(definition['deploy']);
  const { limits, reservations } = map(deploy['resources']);
  const cpus = map(limits)['cpus'] ?? definition['cpus'];
  const memory = map(limits)['memory'] ?? definition['mem_limit'];
  const reserved = map(reservations)['memory'] ?? definition['mem_reservation'];
  return some({
    ...mountsOf(definition, texts(definition['tmpfs']), around),
    PortBindings: bindings,
    RestartPolicy: restartOf(definition),
    VolumesFrom: when(definition['volumes_from'], (value) =>
      texts(value).map((one) =>
        one.replace(/^container:|^([^:]+)/, (_, name: string | undefined) => (name ? `${around.project}-${name}-1` : '')),
      ),
    ),
    Privileged: when(definition['privileged'], truth),
    ReadonlyRootfs: when(definition['read_only'], truth),
    Init: when(definition['init'], truth),
    CapAdd: definition['cap_add'],
    CapDrop: definition['cap_drop'],
    GroupAdd: when(definition['group_add'], texts),
    Dns: definition['dns'],
    DnsSearch: definition['dns_search'],
    DnsOptions: definition['dns_opt'],
    ExtraHosts: when(definition['extra_hosts'], (value) =>
      Object.entries(map(value)).flatMap(([name, ips]) => (Array.isArray(ips) ? ips : [ips]).map((ip: unknown) => `${name}:${textOf(ip)}`)),
    ),
    SecurityOpt: definition['security_opt'],
    Sysctls: definition['sysctls'],
    Ulimits: when(definition['ulimits'], (value) =>
      Object.entries(map(value)).map(([Name, one]) => ({
        Name,
        Soft: Number(map(one)['soft'] ?? one),
        Hard: Number(map(one)['hard'] ?? one),
      })),
    ),
    Devices: when(definition['devices'], (value) =>
      (Array.isArray(value) ? value : []).map((one: unknown) => {
        const { source, target, permissions } = map(one);
        const [PathOnHost, PathInContainer = PathOnHost, CgroupPermissions = 'rwm'] = isMap(one)
          ? [source, target, permissions]
          : textOf(one).split(':');
        return { PathOnHost, PathInContainer, CgroupPermissions };
      }),
    ),
    DeviceRequests: deviceRequests(definition),
    DeviceCgroupRules: definition['device_cgroup_rules'],
    Annotations: definition['annotations'],
    CgroupnsMode: definition['cgroup'],
    CgroupParent: definition['cgroup_parent'],
    UTSMode: definition['uts'],
    UsernsMode: definition['userns_mode'],
    Isolation: definition['isolation'],
    StorageOpt: definition['storage_opt'],
    VolumeDriver: definition['volume_driver'],
    MemorySwappiness: when(definition['mem_swappiness'], Number),
    OomKillDisable: when(definition['oom_kill_disable'], truth),
    CpuCount: when(definition['cpu_count'], Number),
    CpuPercent: when(definition['cpu_percent'], Number),
    CpuQuota: when(definition['cpu_quota'], Number),
    CpuPeriod: when(definition['cpu_period'], microsecondsOf),
    CpuRealtimePeriod: when(definition['cpu_rt_period'], microsecondsOf),
    CpuRealtimeRuntime: when(definition['cpu_rt_runtime'], microsecondsOf),
    ...blkioOf(map(definition['blkio_config'])),
    IpcMode: definition['ipc'],
    PidMode: definition['pid'],
    ShmSize: when(definition['shm_size'], bytesOf),
    Memory: when(memory, bytesOf),
    MemoryReservation: when(reserved, bytesOf),
    MemorySwap: when(definition['memswap_limit'], swapOf),
    NanoCpus: when(cpus, (value) => Math.round(Number(value) * 1e9)),
    CpuShares: when(definition['cpu_shares'], Number),
    CpusetCpus: definition['cpuset'],
    PidsLimit: when(map(limits)['pids'] ?? definition['pids_limit'], Number),
    OomScoreAdj: when(definition['oom_score_adj'], Number),
    Runtime: definition['runtime'],
    LogConfig: when(definition['logging'], (value) => ({
      Type: map(value)['driver'] ?? 'json-file',
      Config: Object.fromEntries(Object.entries(map(map(value)['options'])).map(([key, one]) => [key, textOf(one)])),
    })),
  });
}

/** `gpus: all`, a list of them, and `deploy.resources.reservations.devices`: what `docker run --gpus` asks of an Engine. */
function deviceRequests(definition: Definition): readonly Json[] | undefined {
  const { gpus } = definition;
  const asked = [
    ...(gpus === 'all' ? [{ count: -1 }] : listOf(gpus)).map((one) => ({
      ...map(one),
      capabilities: [...texts(map(one)['capabilities']), 'gpu'],
    })),
    ...listOf(map(map(map(definition['deploy'])['resources'])['reservations'])['devices']).map(map),
  ];
  if (asked.length === 0) return undefined;
  return asked.map(({ driver = '', count, device_ids: ids, capabilities, options }: Json) => ({
    Driver: driver,
    Count: ids === undefined ? (count === undefined || count === 'all' ? -1 : Number(count)) : 0,
    DeviceIDs: when(ids, texts),
    Capabilities: [texts(capabilities)],
    Options: when(options, (value) => textsOf(map(value))),
  }));
}

/** `400000`, or `400ms`. */
const microsecondsOf = (value: unknown): number => (/^\d+$/.test(textOf(value)) ? Number(value) : nanosecondsOf(value) / 1000);

function blkioOf(config: Json): Json {
  const each = (key: string, unit: string, read: (value: unknown) => number) =>
    when(config[key], (value) =>
      (Array.isArray(value) ? value : []).map((one: unknown) => ({ Path: map(one)['path'], [unit]: read(map(one)[unit.toLowerCase()]) })),
    );
  return {
    BlkioWeight: when(config['weight'], Number),
    BlkioWeightDevice: each('weight_device', 'Weight', Number),
    BlkioDeviceReadBps: each('device_read_bps', 'Rate', bytesOf),
    BlkioDeviceReadIOps: each('device_read_iops', 'Rate', Number),
    BlkioDeviceWriteBps: each('device_write_bps', 'Rate', bytesOf),
    BlkioDeviceWriteIOps: each('device_write_iops', 'Rate', Number),
  };
}

export function restartOf(definition: Definition): Json | undefined {
  const policy = map(map(definition['deploy'])['restart_policy']);
  const condition = policy['condition'];
  const attempts = Number(policy['max_attempts'] ?? 0);
  if (condition !== undefined || definition['restart'] === undefined) {
    if (Object.keys(policy).length === 0) return undefined;
    return condition === 'none'
      ? { Name: 'no' }
      : condition === 'on-failure'
        ? { Name: 'on-failure', MaximumRetryCount: attempts }
        : { Name: 'always' };
  }
  const [, name = '', retries = '0'] = /^([a-z-]+)(?::(\d+))?$/.exec(textOf(definition['restart']).replace('false', 'no')) ?? [];
  if (!['no', 'always', 'on-failure', 'unless-stopped'].includes(name))
    throw new ArpanetError('invalid', `restart is "${textOf(definition['restart'])}": it is no, always, unless-stopped or on-failure[:N]`);
  return { Name: name, MaximumRetryCount: Number(retries) };
}

function healthcheckOf(value: Json): Json {
  const { test } = value;
  const isOff = truth(value['disable']) || test === 'NONE';
  return some({
    Test: isOff ? ['NONE'] : typeof test === 'string' ? ['CMD-SHELL', test] : test === undefined ? undefined : wordsOf(test),
    Interval: when(value['interval'], nanosecondsOf),
    Timeout: when(value['timeout'], nanosecondsOf),
    StartPeriod: when(value['start_period'], nanosecondsOf),
    StartInterval: when(value['start_interval'], nanosecondsOf),
    Retries: when(value['retries'], Number),
  });
}
