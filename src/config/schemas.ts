/** The settings of each command, as schemas. Keys are the options' names in camel case; defaults are in the table of options. */
import { z } from 'zod';
import type { ClientCommand, ClientConfig } from './client.ts';
import type { Command } from './options.ts';
import * as v from './values.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const logLevel = v.oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent');
const joinToken = v.text.optional();

/** Settings of every process with a scheduler. */
const scheduling = {
  listen: v.listenUrls,
  insecure: v.flag.optional(),
  tlsCa: v.text.optional(),
  tlsCert: v.text.optional(),
  tlsKey: v.text.optional(),
  auditLog: v.text.optional(),
  tracesTo: v.text.optional(),
  allowHost: v.several(v.hostPattern).optional(),
  pool: v.pool,
  strategy: v.oneOf('spread', 'binpack', 'random'),
  joinToken,
  dnsListen: v.dnsListen,
  publishAt: v.addressOrNone.optional(),
  hostDownAfter: v.time(1000, HOUR_MS),
  hostGrace: v.time(0, HOUR_MS),
  leaseRest: v.time(0, 24 * HOUR_MS),
  overcommitCpu: v.ratio(0.1, 100),
  overcommitMemory: v.ratio(0.1, 100),
  encryptNetworks: v.oneOf('asked', 'all'),
  publishMode: v.oneOf('host', 'ingress'),
  drainTime: v.time(0, 5 * MINUTE_MS),
  sessionTtl: v.time(10_000, HOUR_MS),
  bodyLimit: v.size(1024, 2 ** 30),
  streamLimit: v.count(1, 1_000_000),
  clientConnections: v.count(1, 1_000_000),
  clientStreams: v.count(1, 1_000_000),
  requestTime: v.time(1000, HOUR_MS),
  stallTime: v.time(1000, 24 * HOUR_MS),
  streamStallTime: v.time(1000, 14 * 24 * HOUR_MS),
  eventsBehindLimit: v.size(1024, 2 ** 30),
  reschedule: v.oneOf('restart', 'label'),
  logLevel,
};

export const schemas = {
  up: z.strictObject({ ...scheduling, hosts: v.count(1, 32).optional(), engine: v.engineUrl, data: v.text.optional() }),
  scheduler: z.strictObject({
    ...scheduling,
    advertise: v.httpUrl.optional(),
    name: v.name.optional(),
    store: v.storeUrl,
    consulToken: v.text.optional(),
    consulCa: v.text.optional(),
    consulCert: v.text.optional(),
    consulKey: v.text.optional(),
    clusterKey: v.text.optional(),
  }),
  agent: z.strictObject({
    join: v.atLeastOne(v.httpUrl),
    name: v.hostName,
    address: v.ip,
    engine: v.engineUrl,
    listen: v.single(v.hostPort).optional(),
    label: v.labelMap.default({}),
    overlay: v.oneOf('vxlan', 'none'),
    data: v.text,
    joinToken,
    dnsUpstream: v.several(v.dnsServer).default([]),
    consulDns: v.hostPort.optional(),
    http: v.count(1, 65_535).optional(),
    https: v.count(1, 65_535).optional(),
    httpCerts: v.text.optional(),
    logLevel,
  }),
} satisfies Record<Exclude<Command, ClientCommand>, z.ZodType>;

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

/** The validated settings of a command: times in ms, sizes in bytes, addresses parsed. */
export type ConfigOf<C extends Command> = C extends keyof typeof schemas ? Frozen<z.output<(typeof schemas)[C]>> : ClientConfig;
/** The settings of `arpanet up`. */
export type UpConfig = ConfigOf<'up'>;
/** The settings of `arpanet scheduler`. */
export type SchedulerConfig = ConfigOf<'scheduler'>;
