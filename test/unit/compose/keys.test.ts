/** Every key of the published schemas is read by somebody, or refused with the reason: none is left out in silence. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSource, planStack, readStack, resourcesOf, storedObjectsOf, type Surroundings } from '../../../src/compose/index.ts';
import spec from '../../../src/compose/schema/compose-spec.json' with { type: 'json' };
import fig from '../../../src/compose/schema/fig-v1.json' with { type: 'json' };

/** All that a deploy would do. */
function outcome(file: object): string {
  const stack = readStack([parseSource('compose.yml', JSON.stringify(file))], {
    variables: {},
    open: () => assert.fail('no other file'),
    include: () => assert.fail('no other file'),
  });
  const { networks, volumes } = resourcesOf(stack, 'abc');
  const around: Surroundings = {
    project: 'abc',
    folder: '/home',
    files: [],
    network: (name) => networks.get(name)?.name ?? name,
    volume: (name) => volumes.get(name)?.name ?? name,
    envFiles: (wishes) => (wishes.length === 0 ? {} : { FILES: JSON.stringify(wishes) }),
    variables: {},
    // It has the whole definition in it: what is only there has no effect.
    hash: () => '',
    isFig: stack.isFig,
    imageId: () => undefined,
    storedId: (kind, key) => `${kind}-${key}`,
    hostCount: 3,
  };
  const stored = [...storedObjectsOf(stack, 'abc')];
  const { builds, ...plan } = planStack(stack, around, [], { profiles: [], only: [] });
  const built = [...builds].map(([name, build]) => [name, build, [...build.secrets], [...build.contexts]]);
  return JSON.stringify([plan, built, [...networks], [...volumes], stored]);
}

const LIMIT = [{ path: '/dev/sda', rate: 1024 }];
/** A value of each key that is not what it would be anyway. */
const VALUES: Readonly<Record<string, unknown>> = {
  annotations: { a: '1' },
  blkio_config: { weight: 300 },
  build: '.',
  cap_add: ['NET_ADMIN'],
  cap_drop: ['ALL'],
  cgroup: 'host',
  cgroup_parent: '/x',
  command: 'sleep 9',
  container_name: 'mine',
  cpu_count: 2,
  cpu_percent: 10,
  cpu_period: '10ms',
  cpu_quota: 5000,
  cpu_rt_period: 400,
  cpu_rt_runtime: 100,
  cpu_shares: 7,
  cpus: 0.5,
  cpuset: '0',
  depends_on: ['other'],
  deploy: { replicas: 2 },
  device_cgroup_rules: ['c 1:3 mr'],
  devices: [{ source: '/dev/null', target: '/dev/void' }],
  dns: '192.0.2.1',
  dns_opt: ['ndots:2'],
  dns_search: 'example.com',
  domainname: 'example.com',
  entrypoint: ['sh'],
  env_file: 'web.env',
  environment: { A: '1' },
  expose: ['80'],
  extends: { service: 'other' },
  external_links: ['elsewhere:there'],
  extra_hosts: ['a:192.0.2.1'],
  gpus: 'all',
  group_add: ['9'],
  healthcheck: { test: 'true' },
  hostname: 'h',
  image: 'other',
  init: true,
  ipc: 'host',
  isolation: 'process',
  label_file: 'web.labels',
  labels: ['a=b'],
  links: ['other'],
  log_driver: 'syslog',
  log_opt: { tag: 'x' },
  logging: { driver: 'syslog' },
  mac_address: '02:00:00:00:00:01',
  mem_limit: '64m',
  mem_reservation: '32m',
  mem_swappiness: 3,
  memswap_limit: '128m',
  net: 'host',
  network_mode: 'host',
  networks: { back: { aliases: ['www'], mac_address: '02:00:00:00:00:02', driver_opts: { a: 1 } } },
  oom_kill_disable: true,
  oom_score_adj: 5,
  pid: 'host',
  pids_limit: 10,
  platform: 'linux/arm64',
  ports: ['80:80'],
  post_start: [{ command: 'x' }],
  pre_stop: [{ command: 'x' }],
  privileged: true,
  profiles: ['p'],
  pull_policy: 'always',
  read_only: true,
  restart: 'always',
  runtime: 'runsc',
  scale: 2,
  secrets: ['key'],
  configs: [{ source: 'conf', target: '/etc/conf' }],
  security_opt: ['no-new-privileges'],
  shm_size: '1m',
  stdin_open: true,
  stop_grace_period: '3s',
  stop_signal: 'SIGINT',
  storage_opt: { size: '1G' },
  sysctls: { 'net.core.somaxconn': 1 },
  tmpfs: '/tmp',
  tty: true,
  ulimits: { nofile: { soft: 1, hard: 2 } },
  user: 'me',
  userns_mode: 'host',
  uts: 'host',
  volume_driver: 'local',
  volumes: ['data:/data'],
  volumes_from: ['other'],
  working_dir: '/w',
};
/** Nothing to be done for them. */
const IDLE = new Set(['attach', 'develop', 'dockerfile']);
const isIgnored = (file: object) =>
  readStack([parseSource('compose.yml', JSON.stringify(file))], { variables: {}, open: () => assert.fail(), include: () => assert.fail() })
    .ignored.length > 0;

const isRefused = (file: object) => {
  try {
    outcome(file);
    return false;
  } catch (error) {
    return /: is not supported: /.test(String(error));
  }
};

describe('the keys of the schemas', () => {
  const around = { networks: { back: {} }, volumes: { data: {} }, secrets: { key: { file: 'k' } }, configs: { conf: { content: 'c' } } };
  const withKey = (key: string, value: unknown) => ({
    services: { web: { image: 'busybox', [key]: value }, other: { image: 'a', user: 'u' } },
    ...around,
  });
  const base = outcome({ services: { web: { image: 'busybox' }, other: { image: 'a', user: 'u' } }, ...around });

  it('of a service each do something, or are refused with the reason', () => {
    for (const key of Object.keys(spec.definitions.service.properties))
      if (IDLE.has(key)) assert.equal(outcome(withKey(key, key === 'develop' ? {} : true)), base, key);
      else if (VALUES[key] === undefined) assert.ok(isRefused(withKey(key, SAMPLES[key] ?? [])), `nobody reads ${key}`);
      else assert.notEqual(outcome(withKey(key, VALUES[key])), base, `nobody reads ${key}`);
  });

  it('of fig’s form, too', () => {
    const file = (key: string, value: unknown) => ({
      web: { image: 'busybox', mem_limit: '1m', [key]: value },
      other: { image: 'a', user: 'u' },
    });
    const plain = outcome({ web: { image: 'busybox', mem_limit: '1m' }, other: { image: 'a', user: 'u' } });
    for (const key of Object.keys(fig.definitions.service.properties))
      if (VALUES[key] === undefined && !IDLE.has(key)) assert.ok(isRefused(file(key, ['x:y'])), key);
      else if (!IDLE.has(key)) assert.notEqual(outcome(file(key, FIG[key] ?? VALUES[key])), plain, key);
  });

  it('of deploy, networks and volumes: those that mean nothing here are these, and no others', () => {
    const deploy = (value: object) => withKey('deploy', value);
    const read: object[] = [
      { replicas: 2 },
      { resources: { limits: { cpus: '0.5' } } },
      { resources: { limits: { memory: '64m' } } },
      { resources: { limits: { pids: 3 } } },
      { resources: { reservations: { memory: '64m' } } },
      { restart_policy: { condition: 'on-failure', max_attempts: 3 } },
      { placement: { constraints: ['node.labels.a==b'] } },
      { placement: { max_replicas_per_node: 1 } },
      { placement: { preferences: [{ spread: 'node.labels.rack' }] } },
      { mode: 'global' },
    ];
    for (const one of read) assert.notEqual(outcome(deploy(one)), base, JSON.stringify(one));
    assert.notEqual(outcome(deploy({ resources: { reservations: { devices: [{ capabilities: ['gpu'] }] } } })), base);
    assert.ok(isIgnored(deploy({ resources: { reservations: { generic_resources: [] } } })));
    assert.ok(isIgnored(withKey('develop', {})));
    const network = (value: object) => ({ services: { web: { image: 'a', networks: ['n'] } }, networks: { n: value } });
    const volume = (value: object) => ({ services: { web: { image: 'a', volumes: ['v:/v'] } }, volumes: { v: value } });
    for (const [make, values] of [
      [
        network,
        { name: 'x', driver: 'bridge', driver_opts: { a: '1' }, internal: true, attachable: true, labels: { a: 'b' }, external: true },
      ],
      [
        network,
        { ipam: { config: [{ subnet: '10.1.0.0/16', gateway: '10.1.0.1', ip_range: '10.1.1.0/24', aux_addresses: { a: '10.1.0.9' } }] } },
      ],
      [volume, { name: 'x', driver: 'local', driver_opts: { a: '1' }, labels: { a: 'b' }, external: true }],
    ] as const)
      for (const [key, value] of Object.entries(values)) assert.notEqual(outcome(make({ [key]: value })), outcome(make({})), key);
    assert.match(outcome(network({ enable_ipv6: true })), /"EnableIPv6":true/);
    assert.ok(isRefused(network({ ipam: { options: { a: 'b' } } })));
    assert.ok(isRefused(network({ enable_ipv4: false })));
    assert.ok(!isRefused(network({ enable_ipv4: true })));
    const kept = (kind: string, value: object) => ({ services: { web: { image: 'a', [kind]: ['x'] } }, [kind]: { x: value } });
    const file = { file: 'x' };
    for (const [kind, values] of [
      ['secrets', [file, { environment: 'X' }, { external: true }, { external: true, name: 'y' }, { ...file, labels: { a: 'b' } }]],
      ['configs', [file, { environment: 'X' }, { content: 'x' }, { external: true }, { ...file, labels: ['a=b'] }]],
    ] as const)
      assert.equal(new Set(values.map((value) => outcome(kept(kind, value)))).size, values.length, kind);
    for (const more of [{ driver: 'vault' }, { driver_opts: { a: 'b' } }, { template_driver: 'golang' }])
      assert.ok(isRefused(kept('secrets', { ...file, ...more })), JSON.stringify(more));
    assert.ok(isRefused(kept('configs', { ...file, template_driver: 'golang' })));
  });

  it('of build: each asks the builder for something, or is refused with the reason', () => {
    const build = (more: object) => outcome(withKey('build', { context: 'web', ...more }));
    const values: Readonly<Record<string, unknown>> = {
      context: 'other',
      dockerfile: 'other.docker',
      dockerfile_inline: 'FROM scratch',
      args: ['A=1'],
      labels: { a: 'b' },
      cache_from: ['other'],
      cache_to: ['type=inline'],
      additional_contexts: ['res=./res'],
      no_cache: true,
      network: 'host',
      pull: true,
      target: 'last',
      shm_size: '1m',
      extra_hosts: ['a:192.0.2.1'],
      secrets: ['key'],
      tags: ['other:2'],
      ulimits: { nofile: 9 },
      platforms: ['linux/arm64'],
    };
    for (const key of Object.keys(spec.definitions.service.properties.build.oneOf[1]?.properties ?? {}))
      if (values[key] !== undefined) assert.notEqual(build({ [key]: values[key] }), build({}), `nobody reads ${key}`);
      else assert.ok(isRefused(withKey('build', { context: '.', [key]: BUILD_SAMPLES[key] ?? ['x'] })), `nobody reads ${key}`);
  });

  it('of long forms', () => {
    const volume = (more: object) => outcome(withKey('volumes', [{ type: 'bind', source: '/a', target: '/b', ...more }]));
    for (const more of [
      { read_only: true },
      { bind: { propagation: 'rslave' } },
      { bind: { selinux: 'z' } },
      { type: 'volume', source: 'data' },
    ])
      assert.notEqual(volume(more), volume({}), JSON.stringify(more));
    assert.match(
      volume({ read_only: true, bind: { create_host_path: false, propagation: 'rslave' } }),
      /"Binds":\[\],"Mounts":\[\{"Type":"bind","Source":"\/a","Target":"\/b","ReadOnly":true,"BindOptions":\{"Propagation":"rslave"\}\}\]/,
    );
    assert.match(volume({ type: 'tmpfs', source: '', tmpfs: { size: '1m', mode: 0o1777 } }), /"Tmpfs":\{"\/b":"size=1048576,mode=1777"\}/);
    assert.match(volume({ type: 'volume', source: 'data', volume: { nocopy: true } }), /abc_data:\/b:nocopy/);
    assert.match(
      volume({ type: 'volume', source: 'data', read_only: true, volume: { nocopy: true, subpath: 'a/b' } }),
      /"Mounts":\[\{"Type":"volume","Source":"abc_data","Target":"\/b","ReadOnly":true,"VolumeOptions":\{"Subpath":"a\/b","NoCopy":true\}\}\]/,
    );
    for (const more of [
      { type: 'npipe' },
      { bind: { recursive: 'disabled' } },
      { type: 'volume', source: '', volume: { subpath: 'x' } },
      { type: 'bind', volume: { subpath: 'x' } },
    ])
      assert.throws(() => volume(more));
    const network = (more: object) => outcome(withKey('networks', { back: more }));
    assert.notEqual(network({ ipv4_address: '10.1.0.7' }), network({}));
    assert.match(network({ ipv6_address: '2001:db8::1' }), /"IPAMConfig":\{"IPv6Address":"2001:db8::1"\}/);
    assert.throws(() => network({ link_local_ips: ['169.254.0.1'] }), /addresses are the cluster's/);
    const blkio = outcome(
      withKey('blkio_config', { device_read_bps: LIMIT, device_write_iops: LIMIT, weight_device: [{ path: '/dev/sda', weight: 3 }] }),
    );
    assert.match(
      blkio,
      /"BlkioWeightDevice":\[\{"Path":"\/dev\/sda","Weight":3\}\],"BlkioDeviceReadBps":\[\{"Path":"\/dev\/sda","Rate":1024\}\]/,
    );
  });
});

/** Values that the schema takes, of keys that are refused. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  credential_spec: {},
};
const BUILD_SAMPLES: Readonly<Record<string, unknown>> = { isolation: 'process', privileged: true };
/** Where fig's form is another. */
const FIG: Readonly<Record<string, unknown>> = { devices: ['/dev/null:/dev/void'], env_file: ['web.env'] };
