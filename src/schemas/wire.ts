/**
 * Schemas of the messages between scheduler and agent (model/wire.ts), in both directions. A type or method that this release does not know
 * gives undefined, as another release may know it. Pure.
 */
import { z } from 'zod';
import type { EngineSnapshot, HostFacts, Load, MaterialisedNetwork, NetworkPlan, ProcessFaults, TunnelEnd } from '../model/facts.ts';
import type { NameChange, NamedInstance, NameTable } from '../model/name-table.ts';
import type { AgentCall, AgentMessage, LeaderMessage, StoreReplica } from '../model/wire.ts';
import { ArpanetError } from '../model/errors.ts';
import { accept } from './accept.ts';
import { containerInspect, containerSummary, engineEvent, imageSummary, volumeSummary } from './docker-objects.ts';
import {
  amount,
  cidr,
  count,
  epoch,
  filled,
  flag,
  hostName,
  hostPort,
  id,
  ipv4,
  ipv6,
  number,
  object,
  optional,
  port,
  text,
  textMap,
  texts,
  vni,
} from './fields.ts';
import { httpFigures, httpMessage, namedHttp } from './http.ts';
import { ingressMessage } from './ingress.ts';
import { parseJson } from './json.ts';

/** Of each minute of an hour. */
const percents = z.array(z.number().int().min(0).max(100)).max(60);
const load: z.ZodType<Load> = z.looseObject({ cpu: amount, memoryUsedBytes: amount, memoryTotalBytes: amount, network: optional(amount) });

const processFaults: z.ZodType<ProcessFaults> = z.looseObject({
  unexpectedErrors: count,
  refusedMessages: count,
  lastMsAgo: optional(amount),
  lastPlace: optional(text),
});

const tunnelEnd: z.ZodType<TunnelEnd> = z.looseObject({
  slot: z.enum(['a', 'b']),
  key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'not a key of WireGuard'),
  port: z.int().min(1).max(65_535),
  madeAtMs: amount,
});
const tunnelEnds = z.array(tunnelEnd).max(2);

const hostFacts: z.ZodType<HostFacts> = z.looseObject({
  name: hostName,
  address: ipv4,
  gateway: hostPort,
  labels: textMap,
  overlay: z.enum(['vxlan', 'none']),
  agentVersion: text,
  version: object,
  info: object,
  apiVersion: z.string().regex(/^1\.\d{1,3}$/, 'not an API version such as 1.43'),
  minApiVersion: z.string().regex(/^(?:1\.\d{1,3})?$/, 'not an API version such as 1.24'),
  os: text,
  arch: text,
  cpus: count,
  memoryBytes: count,
  sharesGateway: optional(flag),
  address6: optional(ipv6),
  answersPorts: optional(z.literal(true)),
  http: optional(z.enum(['edge', 'hop'])),
  httpPorts: optional(z.array(port)),
  hasTls: optional(flag),
  mtu: optional(count),
  tunnel: optional(z.looseObject({ kind: z.enum(['wireguard', 'wireguard-go']), ends: tunnelEnds })),
  links: optional(texts),
  addresses: optional(texts),
  routes: z.array(cidr),
  dns: optional(z.looseObject({ servers: texts, search: texts, options: optional(texts) })),
  takesNameChanges: optional(flag),
  upgradesItself: optional(z.literal(true)),
  machine: optional(text),
});

const materialised: z.ZodType<MaterialisedNetwork> = z.looseObject({
  network: id,
  engineId: text,
  gateway: text,
  isLeaving: optional(z.literal(true)),
});

const networkPlan: z.ZodType<NetworkPlan> = z.looseObject({
  network: id,
  name: filled,
  cidr,
  vni,
  gateway: ipv4,
  isGatewayShared: optional(z.literal(true)),
  own: optional(ipv4),
  ipv6: optional(z.looseObject({ cidr: text, gateway: optional(text), isEnabled: flag })),
  reserved: z.record(z.string(), ipv4),
  internal: flag,
  labels: textMap,
  options: textMap,
  peers: z.array(ipv4),
  driver: optional(text),
  mtu: optional(count),
  encryption: optional(z.record(ipv4, tunnelEnds)),
});

const containers = z.array(z.looseObject({ summary: containerSummary, inspect: containerInspect }));
const images = z.array(imageSummary);
const volumes = z.array(volumeSummary);
const networks = z.array(materialised);
const snapshot: z.ZodType<EngineSnapshot> = z.looseObject({ containers, images, volumes, networks });

const wireError = z.looseObject({ kind: text, message: text, engineStatus: optional(z.int().min(400).max(599)) });

type Schemas<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: z.ZodType<Extract<Message, { readonly type: Type }>>;
};

/** Sentences of a beat: more would tell nobody anything. */
export const MOST_LEFT_OUT = 20;
/** In characters. */
export const MOST_SENTENCE = 400;
/** A DNS query of 4096 bytes, which is the longest that is read, in base64. */
const MOST_QUERY = 5_464;

const agentMessages: Schemas<AgentMessage> = {
  hello: z.looseObject({
    type: z.literal('hello'),
    facts: hostFacts,
    epoch: count,
    protocol: optional(count),
    clusterId: optional(text),
    networks: optional(count),
  }),
  snapshot: z.looseObject({ type: z.literal('snapshot'), snapshot }),
  have: z.looseObject({ type: z.literal('have'), digest: text }),
  piece: z.looseObject({ type: z.literal('piece'), containers }),
  rest: z.looseObject({
    type: z.literal('rest'),
    containers: z.array(id),
    images: optional(images),
    volumes: optional(volumes),
    networks,
  }),
  beat: z.looseObject({
    type: z.literal('beat'),
    load,
    faults: optional(processFaults),
    routes: optional(z.array(cidr)),
    lastHour: optional(z.looseObject({ cpu: percents, memory: percents })),
    leftOut: optional(z.array(z.string().max(MOST_SENTENCE)).max(MOST_LEFT_OUT)),
  }),
  containers: z.looseObject({ type: z.literal('containers'), upserts: containers, removes: z.array(id) }),
  images: z.looseObject({ type: z.literal('images'), images }),
  volumes: z.looseObject({ type: z.literal('volumes'), volumes }),
  networks: z.looseObject({ type: z.literal('networks'), networks }),
  tunnel: z.looseObject({ type: z.literal('tunnel'), ends: tunnelEnds }),
  event: z.looseObject({ type: z.literal('event'), event: engineEvent }),
  engine: z.looseObject({ type: z.literal('engine'), alive: flag, why: text }),
  'ask-consul': z.looseObject({
    type: z.literal('ask-consul'),
    ask: count,
    query: z.string().max(MOST_QUERY),
    transport: z.enum(['udp', 'tcp']),
  }),
  'ask-names': z.looseObject({ type: z.literal('ask-names') }),
  done: z.looseObject({ type: z.literal('done'), call: count, result: optional(z.unknown()), error: optional(wireError) }),
};

const aPort = port.min(1);

const namedInstance: z.ZodType<NamedInstance> = z.looseObject({
  id: filled,
  container: text,
  name: text,
  deployment: filled,
  service: filled,
  number: count,
  host: text,
  addresses: z.record(z.string(), ipv4),
  vips: optional(z.record(z.string(), ipv4)),
  addresses6: optional(z.record(z.string(), ipv6)),
  aliases: z.record(z.string(), texts),
  links: textMap,
  ports: z.array(z.looseObject({ port, protocol: text })),
  swarmService: optional(text),
  hostname: optional(text),
  state: z.enum(['running', 'paused', 'out']),
  ready: flag,
  strict: optional(z.literal(true)),
  hasServers: optional(z.literal(true)),
  servers: optional(texts),
  allowFrom: optional(text),
  ingress: optional(
    z.looseObject({
      address: ipv4,
      address6: optional(ipv6),
      ports: z.array(z.looseObject({ port: aPort, target: aPort, protocol: z.enum(['tcp', 'udp']) })),
      isProxied: optional(z.literal(true)),
    }),
  ),
  http: optional(namedHttp),
});

const outsideNames = z.array(
  z.looseObject({ name: filled, entries: z.array(z.looseObject({ type: z.enum(['A', 'AAAA', 'CNAME', 'SRV', 'TXT']), value: text })) }),
);

/** The name table, on the wire and in an agent's file. */
export const nameTable: z.ZodType<NameTable> = z.looseObject({
  version: count,
  epoch,
  atMs: number,
  instances: z.array(namedInstance),
  networks: optional(textMap),
  deployments: optional(texts),
  outside: optional(outsideNames),
});

/** A change of it, on the wire and in an agent's file. */
export const nameChange: z.ZodType<NameChange> = z.looseObject({
  since: count,
  version: count,
  epoch,
  atMs: number,
  put: z.array(namedInstance),
  drop: texts,
  networks: optional(textMap),
  outside: optional(outsideNames),
  deployments: optional(texts),
  deploymentsCome: optional(texts),
  deploymentsGone: optional(texts),
});

/** All plans of a host, on the wire and in an agent's file. */
export const networkPlans: z.ZodType<readonly NetworkPlan[]> = z.array(networkPlan);

/** Records of the store, on the wire and in an agent's file. */
export const storeReplica: z.ZodType<StoreReplica> = z.looseObject({
  epoch,
  atMs: number,
  records: z.array(z.tuple([z.string(), z.unknown()])),
});

const calls: { readonly [Method in AgentCall['method']]: z.ZodType<Extract<AgentCall, { readonly method: Method }>> } = {
  sync: z.looseObject({
    method: z.literal('sync'),
    containers: optional(z.array(id)),
    newcomers: optional(flag),
    images: optional(flag),
    volumes: optional(flag),
  }),
  materialise: z.looseObject({ method: z.literal('materialise'), plan: networkPlan }),
  dematerialise: z.looseObject({ method: z.literal('dematerialise'), network: id }),
  echo: z.looseObject({ method: z.literal('echo') }),
  settle: z.looseObject({ method: z.literal('settle') }),
  fence: z.looseObject({ method: z.literal('fence'), addresses: z.array(ipv4) }),
  look: z.looseObject({ method: z.literal('look') }),
  usage: z.looseObject({ method: z.literal('usage') }),
  'http-figures': z.looseObject({ method: z.literal('http-figures') }),
  upgrade: z.looseObject({
    method: z.literal('upgrade'),
    order: optional(z.looseObject({ url: filled, token: filled, isForced: optional(flag) })),
  }),
  dial: z.looseObject({ method: z.literal('dial'), address: filled, port }),
  'answer-path': z.looseObject({ method: z.literal('answer-path'), peer: ipv4, vni: count, own: ipv4, theirs: ipv4, mtu: count }),
  'missing-paths': z.looseObject({ method: z.literal('missing-paths'), paths: texts }),
  'real-paths': z.looseObject({ method: z.literal('real-paths'), paths: texts }),
  'copy-image': z.looseObject({ method: z.literal('copy-image'), reference: filled, gateway: hostPort, host: optional(hostName) }),
};

const results: { readonly [Method in AgentCall['method']]: z.ZodType } = {
  sync: z.unknown(),
  materialise: materialised,
  dematerialise: z.unknown(),
  echo: z.unknown(),
  settle: z.unknown(),
  'http-figures': z.array(httpFigures),
  fence: z.unknown(),
  look: z.looseObject({
    networks: z.array(
      z.looseObject({
        network: text,
        name: text,
        gateway: text,
        bridge: text,
        mtu: optional(number),
        isAddressed: optional(flag),
      }),
    ),
    vxlans: z.array(z.looseObject({ device: text, vni: number, master: text, isUp: flag, mtu: optional(number), peers: texts })),
    names: z.array(namedInstance),
    unreadable: optional(z.array(z.looseObject({ id: text, name: text, reason: text }))),
    differs: optional(z.array(text)),
  }),
  usage: z.array(z.looseObject({ id, cores: amount, memoryBytes: amount })),
  upgrade: z.looseObject({ state: z.enum(['none', 'running', 'ended']), code: optional(count), said: text }),
  dial: z.looseObject({ outcome: z.enum(['open', 'refused', 'silent']), why: text }),
  'answer-path': z.unknown(),
  'missing-paths': texts,
  'real-paths': texts,
  'copy-image': z.unknown(),
};

const call = z.looseObject({ type: z.literal('call'), call: count, request: z.looseObject({ method: filled }), requestId: optional(text) });

const leaderMessages: Schemas<Exclude<LeaderMessage, { readonly type: 'call' }>> = {
  welcome: z.looseObject({
    type: z.literal('welcome'),
    epoch,
    leader: text,
    clusterId: text,
    compares: optional(z.literal(true)),
    spreadMs: optional(amount),
  }),
  held: z.looseObject({
    type: z.literal('held'),
    isSame: optional(z.literal(true)),
    containers: optional(textMap),
    images: optional(text),
    volumes: optional(text),
  }),
  refused: z.looseObject({ type: z.literal('refused'), why: text, removed: optional(flag) }),
  beat: z.looseObject({ type: z.literal('beat') }),
  plans: z.looseObject({ type: z.literal('plans'), plans: networkPlans, fenced: optional(z.array(ipv4)) }),
  names: z.looseObject({ type: z.literal('names'), table: nameTable }),
  'names-change': z.looseObject({ type: z.literal('names-change'), change: nameChange }),
  ingress: ingressMessage,
  http: httpMessage,
  closed: z.looseObject({ type: z.literal('closed'), isWhole: optional(z.literal(true)), hosts: texts, gone: optional(texts) }),
  settings: z.looseObject({
    type: z.literal('settings'),
    logLevel: z.nullable(text),
    asksConsul: optional(z.literal(true)),
    schedulers: optional(z.array(text)),
    revoked: optional(z.array(text)),
    trust: optional(text),
  }),
  'consul-answer': z.looseObject({ type: z.literal('consul-answer'), ask: count, answer: optional(text) }),
  keep: z.looseObject({ type: z.literal('keep'), kept: storeReplica }),
};

/** Each message passes here, a heartbeat a second from each host: looked at without a copy. */
function typedMessage(line: string): { readonly type: string } {
  const value = parseJson(line);
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (typeof type !== 'string' || type === '') throw new ArpanetError('invalid', 'message: it is no object with a "type"');
  return value as { readonly type: string };
}

/** One line from an agent; undefined for a type that this release does not know. Throws `invalid`. */
export function readAgentMessage(line: string): AgentMessage | undefined {
  const message = typedMessage(line);
  return isOwn(agentMessages, message.type)
    ? accept<AgentMessage>(agentMessages[message.type], message, `message ${message.type}`)
    : undefined;
}

/** One line from the leader; undefined for a type that this release does not know. A call of an unknown method is `unknown`. Throws `invalid`. */
export function readLeaderMessage(
  line: string,
): LeaderMessage | { readonly type: 'unknown-call'; readonly call: number; readonly method: string } | undefined {
  const message = typedMessage(line);
  if (message.type === 'call') {
    const { call: number_, request, requestId } = accept(call, message, 'message call');
    if (!isOwn(calls, request.method)) return { type: 'unknown-call', call: number_, method: request.method };
    return {
      type: 'call',
      call: number_,
      request: accept<AgentCall>(calls[request.method], request, `call ${request.method}`),
      ...(requestId !== undefined && { requestId }),
    };
  }
  return isOwn(leaderMessages, message.type)
    ? accept<LeaderMessage>(leaderMessages[message.type], message, `message ${message.type}`)
    : undefined;
}

/** An agent's result of a call. Throws `invalid`. */
export function readCallResult(method: AgentCall['method'], result: unknown): unknown {
  return accept(results[method], result, `result of ${method}`);
}

function isOwn<Key extends string>(schemas: Readonly<Record<Key, unknown>>, key: string): key is Key {
  return Object.hasOwn(schemas, key);
}
