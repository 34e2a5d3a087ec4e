/**
 * What `docker compose` v2 hashes of a service (pkg/compose/hash.go): the service as its loader leaves it, without what may change under a
 * running container, as Go writes JSON. So a project that was deployed with one can be updated with the other: only what differs is recreated. compose 1 hashes its own
 * Python objects, and a container has one such label: there is no hash that is right for both. Pure.
 */
import type { Json } from '../model/index.ts';
import { type Definition, isMap } from './normalize.ts';
import { bytesOf, longMount, nanosecondsOf, portsOf, textOf, wordsOf } from './values.ts';
import { goDuration } from '../text/duration.ts';

type Form = (value: unknown) => unknown;
const map = (value: unknown): Json => (isMap(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts: Form = (value) => list(value).map(textOf);
const bytes: Form = (value) => String(bytesOf(value));
const flag: Form = (value) => (value === true || value === 'true' ? true : undefined);
const pointer: Form = (value) => value === true || value === 'true';
const sorted = (value: unknown, form: (value: unknown, key: string) => unknown): Json =>
  Object.fromEntries(
    Object.entries(map(value))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, form(one, key)]),
  );
/** Only the fields that are given, in this order: Go writes a struct's fields in the order of their declaration. */
const struct = (value: unknown, forms: Readonly<Record<string, Form>>): Json =>
  Object.fromEntries(
    Object.entries(forms).flatMap(([key, form]) => {
      const given = map(value)[key];
      const made = given === undefined || given === null ? undefined : form(given);
      return made === undefined ? [] : [[key, made]];
    }),
  );
const same: Form = (value) => value;
const duration: Form = (value) => goDuration(nanosecondsOf(value));
const labelTexts: Form = (value) => sorted(value, (one) => (one === null ? '' : textOf(one)));
const UPDATE = { parallelism: Number, delay: duration, failure_action: same, monitor: duration, max_failure_ratio: Number, order: same };
const LIMITS = { cpus: Number, memory: bytes, pids: Number };

/** Secrets or configs of a service. */
function stored(value: unknown): readonly Json[] {
  return Object.values(map(value)).map((one) => struct(one, { source: same, target: same, uid: textOf, gid: textOf, mode: Number }));
}

const limit =
  (unit: 'Rate' | 'Weight', read: Form): Form =>
  (value) =>
    list(value).map((one) => ({ Path: map(one)['path'], [unit]: read(map(one)[unit.toLowerCase()]) }));

const hooks: Form = (value) =>
  list(value).map((one) =>
    struct(one, {
      command: wordsOf,
      user: textOf,
      privileged: flag,
      working_dir: same,
      environment: (env) =>
        sorted(Array.isArray(env) ? Object.fromEntries(env.map(textOf).map((text) => text.split(/=([^]*)/, 2))) : env, (given) =>
          given === undefined || given === null ? null : textOf(given),
        ),
    }),
  );

/** The fields of a service in the order of compose-go's struct, each as it is written. */
const FIELDS: Readonly<Record<string, Form>> = {
  profiles: texts,
  annotations: labelTexts,
  attach: pointer,
  blkio_config: (value) =>
    struct(value, {
      weight: Number,
      weight_device: limit('Weight', Number),
      device_read_bps: limit('Rate', bytes),
      device_read_iops: limit('Rate', bytes),
      device_write_bps: limit('Rate', bytes),
      device_write_iops: limit('Rate', bytes),
    }),
  cap_add: texts,
  cap_drop: texts,
  cgroup_parent: same,
  cgroup: same,
  cpu_count: Number,
  cpu_percent: Number,
  cpu_period: Number,
  cpu_quota: Number,
  cpu_rt_period: Number,
  cpu_rt_runtime: Number,
  cpus: Number,
  cpuset: same,
  cpu_shares: Number,
  command: wordsOf,
  configs: stored,
  container_name: same,
  depends_on: (value) =>
    sorted(value, (one) => ({
      condition: textOf(map(one)['condition'] ?? 'service_started'),
      ...(map(one)['restart'] === undefined ? {} : struct(one, { restart: flag })),
      required: map(one)['required'] !== false,
    })),
  deploy: (value) => ({
    ...struct(value, {
      mode: same,
      labels: labelTexts,
      update_config: (one) => struct(one, UPDATE),
      rollback_config: (one) => struct(one, UPDATE),
    }),
    resources: struct(map(value)['resources'], { limits: (one) => struct(one, LIMITS), reservations: (one) => struct(one, LIMITS) }),
    ...struct(value, {
      restart_policy: (one) => struct(one, { condition: same, delay: duration, max_attempts: Number, window: duration }),
    }),
    placement: struct(map(value)['placement'], { constraints: texts, max_replicas_per_node: Number }),
    ...struct(value, { endpoint_mode: same }),
  }),
  device_cgroup_rules: texts,
  devices: (value) =>
    list(value).map((one) => {
      if (isMap(one))
        return struct({ target: one['source'], permissions: 'rwm', ...one }, { source: same, target: same, permissions: same });
      const [source, target = source, permissions = 'rwm'] = textOf(one).split(':');
      return { source, target, permissions };
    }),
  dns: texts,
  dns_opt: texts,
  dns_search: texts,
  domainname: same,
  entrypoint: wordsOf,
  environment: (value) => sorted(value, same),
  expose: texts,
  extra_hosts: (value) =>
    Object.entries(map(value))
      .flatMap(([name, ips]) => (Array.isArray(ips) ? ips : [ips]).map((ip: unknown) => `${name}=${textOf(ip)}`))
      .toSorted(),
  group_add: texts,
  hostname: same,
  healthcheck: (value) =>
    struct(value, {
      test: (one) => (typeof one === 'string' ? ['CMD-SHELL', one] : one),
      timeout: duration,
      interval: duration,
      retries: Number,
      start_period: duration,
      start_interval: duration,
      disable: flag,
    }),
  image: same,
  init: pointer,
  ipc: same,
  isolation: same,
  labels: labelTexts,
  links: texts,
  logging: (value) => struct(value, { driver: same, options: (one) => sorted(one, textOf) }),
  mem_limit: bytes,
  mem_reservation: bytes,
  memswap_limit: (value) => (textOf(value) === '-1' ? '-1' : bytes(value)),
  mem_swappiness: textOf,
  mac_address: same,
  network_mode: same,
  networks: (value) =>
    sorted(value, (one) =>
      isMap(one)
        ? struct(one, {
            priority: Number,
            aliases: texts,
            ipv4_address: same,
            ipv6_address: same,
            link_local_ips: texts,
            mac_address: same,
            driver_opts: labelTexts,
          })
        : null,
    ),
  oom_kill_disable: flag,
  oom_score_adj: Number,
  pid: same,
  pids_limit: Number,
  platform: same,
  ports: (value) =>
    list(value).flatMap((one) =>
      portsOf(one).map(({ target, hostIp, published }) => {
        const [port = '', protocol] = target.split('/');
        const { name, mode = 'ingress' } = map(one);
        return struct(
          { name, mode, host_ip: hostIp || undefined, target: Number(port), published: published || undefined, protocol },
          { name: same, mode: same, host_ip: same, target: same, published: same, protocol: same },
        );
      }),
    ),
  privileged: flag,
  read_only: flag,
  restart: same,
  runtime: same,
  secrets: stored,
  security_opt: texts,
  shm_size: bytes,
  stdin_open: flag,
  stop_grace_period: duration,
  stop_signal: same,
  storage_opt: labelTexts,
  sysctls: labelTexts,
  tmpfs: texts,
  tty: flag,
  ulimits: (value) => sorted(value, (one) => (isMap(one) ? struct(one, { soft: Number, hard: Number }) : Number(one))),
  user: textOf,
  userns_mode: same,
  uts: same,
  volume_driver: same,
  volumes: (value) => Object.values(map(value)),
  volumes_from: texts,
  working_dir: same,
  post_start: hooks,
  pre_stop: hooks,
};
/** Written although there is nothing. */
const ALWAYS = new Set(['command', 'entrypoint']);
/** What may change while a container stays as it is. */
const IGNORED = new Set(['build', 'scale', 'pull_policy', 'env_file', 'label_file', 'extends']);

export interface HashedWith {
  /** The contents of its env and label files. */
  readonly environment: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string | null>>;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** `./here` -> the whole path. */
  readonly pathOf: (path: string) => string;
}

/** The text whose SHA-256 is compose's label config-hash. */
export function hashedText(definition: Definition, given: HashedWith): string {
  const environment = { ...given.environment, ...map(definition['environment']) };
  const resolved = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value === null ? (given.variables[name] ?? null) : textOf(value)]),
  );
  const labels = { ...given.labels, ...map(definition['labels']) };
  const mounts = Object.entries(map(definition['volumes'])).map(([target, one]) => [target, longMount(one, given.pathOf)] as const);
  const whole: Json = {
    ...definition,
    ...(Object.keys(resolved).length === 0 ? {} : { environment: resolved }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(definition['volumes'] === undefined ? {} : { volumes: Object.fromEntries(mounts) }),
    ...(definition['network_mode'] === undefined && definition['networks'] === undefined ? { networks: { default: null } } : {}),
    depends_on: { ...implied(definition), ...map(definition['depends_on']) },
  };
  const written = Object.entries(FIELDS).flatMap(([key, form]): [string, unknown][] => {
    const value = whole[key];
    const made = value === undefined || value === null ? undefined : form(value);
    if (isNothing(made)) return ALWAYS.has(key) ? [[key, null]] : [];
    return [[key, made]];
  });
  // What compose does not know counts all the same.
  const others = Object.entries(whole).filter(([key]) => FIELDS[key] === undefined && !IGNORED.has(key));
  return asGoWrites(Object.fromEntries([...written, ...others]));
}

const isNothing = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.length === 0) || (isMap(value) && Object.keys(value).length === 0);

/** A service that shares something of another waits for it, whether it says so or not. */
function implied(definition: Definition): Json {
  const started = { condition: 'service_started', required: true };
  const tied = { ...started, restart: true };
  const mode = [definition['network_mode'], definition['ipc'], definition['pid']].map(
    (value) => /^service:(.+)$/.exec(textOf(value ?? ''))?.[1],
  );
  const links = list(definition['links']).map((link) => textOf(link).split(':')[0]);
  const from = list(definition['volumes_from'])
    .map((one) => textOf(one).split(':')[0])
    .filter((name) => name !== 'container');
  return Object.fromEntries([
    ...from.map((name) => [name, started]),
    ...[...links, ...mode].flatMap((name) => (name === undefined ? [] : [[name, tied]])),
  ]);
}

const asGoWrites = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
