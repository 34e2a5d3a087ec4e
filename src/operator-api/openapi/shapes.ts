/** Parts that several answers of the operator's API have, as schemas and examples. Plain data. */
import { z } from 'zod';
import type { Link } from '../doctor-link.ts';

export const text = z.string();
export const number = z.number();
export const count = z.int().min(0);
export const ms = z.number().meta({ description: 'Milliseconds since 1970.' });
export const texts = z.array(text);
export const stringMap = z.record(text, text);

export const faults = z.object({
  unexpectedErrors: count,
  refusedMessages: count,
  lastMsAgo: number.optional(),
  lastPlace: text.optional(),
});
const limits = z.object({ cpus: number.optional(), memoryBytes: number.optional(), maxContainers: count.optional() });

export const hostFields = {
  name: text,
  address: text,
  state: z.enum(['joining', 'alive', 'suspect', 'down', 'expected']),
  why: text.optional(),
  availability: z.enum(['active', 'pause', 'drain']),
  engine: text,
  agent: text,
  apiVersion: text,
  cpus: number,
  memoryBytes: number,
  cpuLoad: number.optional().meta({ description: 'Busy share of all cores, 0 to 1.' }),
  memoryUsedBytes: number.optional(),
  reservedCores: number,
  reservedMemoryBytes: number,
  limits,
  containers: count,
  running: count,
  labels: stringMap,
  upgradesItself: z
    .literal(true)
    .optional()
    .meta({ description: 'It takes another release when the leader says so; absent: somebody runs a line there.' }),
  http: z
    .enum(['edge', 'hop'])
    .optional()
    .meta({ description: 'Its proxy for HTTP by name: it answers clients, or other hosts alone; absent: it has none.' }),
  encryption: z.enum(['wireguard', 'wireguard-go']).optional().meta({ description: 'By what it encrypts networks; absent: it cannot.' }),
};
export const host = z.object(hostFields);
export const exampleHost = {
  name: 'h1',
  address: '10.0.0.11',
  state: 'alive',
  availability: 'active',
  engine: '26.1.5',
  agent: '0.1.0',
  apiVersion: '1.45',
  cpus: 4,
  memoryBytes: 8_589_934_592,
  cpuLoad: 0.31,
  memoryUsedBytes: 3_221_225_472,
  reservedCores: 1.5,
  reservedMemoryBytes: 1_073_741_824,
  limits: { cpus: 3 },
  containers: 7,
  running: 6,
  labels: { rack: 'r1' },
};

export const lease = z.object({
  ip: text,
  network: text,
  kind: z.enum(['instance', 'gateway', 'user', 'service']),
  owner: text,
  host: text,
  state: z.enum(['offered', 'bound', 'resting']),
  sinceMs: ms,
  epoch: count,
});
export const exampleLease = {
  ip: '10.32.0.64',
  network: 'n'.repeat(8),
  kind: 'instance',
  owner: 'abc_web_1',
  host: 'h1',
  state: 'bound',
  sinceMs: 1_790_000_000_000,
  epoch: 3,
};

const instance = z.object({
  name: text,
  id: text,
  number: count,
  host: text,
  image: text,
  state: text,
  health: text.optional(),
  addresses: texts,
  isStopped: z.boolean(),
});
export const service = z.object({
  deployment: text,
  service: text,
  desired: count,
  running: count,
  done: count,
  isHeld: z.boolean(),
  isGlobal: z.boolean(),
  image: text,
  update: text.optional(),
  trouble: text.optional(),
  instances: z.array(instance),
});

export const refusal = z.object({ host: text, rule: text, why: text });
export const decision = {
  host: text,
  strategy: text,
  atMs: ms,
  scored: z.array(z.object({ host: text, score: number, figures: z.record(text, number) })),
  refused: z.array(refusal),
  among: count.optional().meta({ description: 'Only a sample of the hosts was looked at: how many there were.' }),
  counts: z
    .object({ fit: count, refused: z.record(text, count) })
    .optional()
    .meta({ description: 'The lists are only examples: how many hosts fitted, and how many each rule refused.' }),
};
/** What placement says of one create. */
export const placement = {
  placed: z.object({ kind: z.literal('placed'), decision: z.object(decision) }),
  refused: z.object({
    kind: z.literal('refused'),
    message: text,
    refused: z.array(refusal),
    counts: z.record(text, count).optional(),
  }),
};
export const exampleDecision = {
  host: 'h1',
  strategy: 'spread',
  atMs: 1_790_000_000_000,
  scored: [{ host: 'h1', score: 92, figures: { containers: 2 } }],
  refused: [{ host: 'h2', rule: 'memory', why: 'needs 512 MiB, 100 MiB of 2 GiB unreserved' }],
};

/** A kept decision, and how the container was made: the request, and how long each stage took. */
export const explained = z.object({
  container: text,
  ...decision,
  again: z
    .union([placement.placed, placement.refused])
    .optional()
    .meta({ description: 'Where only examples were kept: the same request placed among all hosts as they are now.' }),
  made: z.object({ atMs: ms, requestId: text.optional(), stagesMs: z.record(text, number).optional() }).optional(),
  canary: text.optional(),
});
export const exampleExplained = {
  container: 'abc_web_1',
  ...exampleDecision,
  made: {
    atMs: 1_790_000_000_000,
    requestId: '0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
    stagesMs: { before: 1, claim: 6, prepare: 48, engine: 121 },
  },
};

export const moved = z.object({ from: text, to: text, host: text });
export const stays = z.object({ container: text, why: text });
export const finding = z.object({
  where: z.enum(['store', 'engine', 'network', 'names', 'http', 'catalog']),
  host: text.optional(),
  what: text,
  isMtu: z.literal(true).optional(),
});
export const record = z.object({
  name: text,
  entries: z.array(z.object({ type: z.enum(['A', 'AAAA', 'CNAME', 'SRV', 'TXT']), value: text })),
});
export const setting = z.object({ name: text, value: text, isSet: z.boolean(), own: text });
export const named = z.looseObject({
  id: text,
  container: text,
  name: text,
  deployment: text,
  service: text,
  number: count,
  host: text,
  addresses: stringMap,
  aliases: z.record(text, texts),
  links: stringMap,
  ports: z.array(z.object({ port: count, protocol: text })),
  state: z.enum(['running', 'paused', 'out']),
  ready: z.boolean(),
});
export const httpTotals = z.object({ requests: count, errors: count, latencyMs: ms });
export const update = z.looseObject({
  state: z.enum(['updating', 'paused', 'completed', 'rollback_started', 'rollback_paused', 'rollback_completed']),
  startedAtMs: ms,
  completedAtMs: ms.optional(),
  message: text,
});

export const status = z.object({
  leader: z.object({ url: text, name: text, epoch: count }),
  schedulers: z.array(
    z.object({
      name: text,
      url: text,
      leads: z.boolean(),
      heardMsAgo: number,
      faults: faults.optional(),
      exposed: texts.optional(),
      auditTrouble: text.optional(),
      version: text.optional(),
      byLine: z.boolean().optional(),
    }),
  ),
  clusterId: text,
  store: text,
  strategy: text,
  hosts: z.array(host),
  deployments: z.array(z.object({ name: text, services: count, instances: count, ready: count })),
  networks: count,
  addresses: count,
  faults: z.array(faults.extend({ process: text })),
  cutHosts: z.array(z.object({ host: text, reason: text, isMalformed: z.boolean(), msAgo: number })),
  warnings: texts,
  notes: texts,
});

/** As `GET /status` has it. */
export const exampleStatus = {
  leader: { url: 'http://10.0.0.1:2375', name: 's1', epoch: 3 },
  schedulers: [
    { name: 's1', url: 'http://10.0.0.1:2375', leads: true, heardMsAgo: 0, faults: { unexpectedErrors: 0, refusedMessages: 0 } },
  ],
  clusterId: 'c0ffee',
  store: 'consul at 127.0.0.1:8500',
  strategy: 'spread',
  hosts: [exampleHost],
  deployments: [{ name: 'abc', services: 2, instances: 3, ready: 3 }],
  networks: 1,
  addresses: 4,
  faults: [],
  cutHosts: [],
  warnings: [],
  notes: ['host h2 takes no new containers (paused), 1 run there: "arpanet activate h2" or "arpanet hosts fillup h2"'],
};

export const user = z.object({
  name: text,
  role: z.enum(['viewer', 'deployer', 'operator', 'admin']),
  deployments: texts,
  createdAtMs: ms,
  validUntilMs: ms.optional(),
});
export const exampleUser = {
  name: 'ada',
  role: 'deployer',
  deployments: ['abc'],
  createdAtMs: 1_790_000_000_000,
  validUntilMs: 1_797_776_000_000,
} as const;

export const operation = z.object({
  id: text,
  what: text,
  user: text.optional(),
  startedAtMs: ms,
  endedAtMs: ms.optional(),
  state: z.enum(['running', 'done', 'failed']),
  progress: texts,
  result: z.unknown().optional(),
  error: text.optional(),
});
export const exampleOperation = {
  id: '0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
  what: 'POST /arpanet/v1/services/scale',
  user: 'ada',
  startedAtMs: 1_790_000_000_000,
  state: 'running',
  progress: ['abc/web: 1 of 3'],
} as const;

export const link = z.object({
  link: z.enum([
    'sender',
    'answer',
    'instance',
    'health',
    'network',
    'allowed',
    'host',
    'kernel',
    'proxy',
    'mtu',
    'port',
  ] satisfies Link['link'][]),
  isSound: z.boolean(),
  what: text,
  fix: text.optional(),
});
export const exampleLink = {
  link: 'sender',
  isSound: false,
  what: 'abc_web_1 does not run: Exited (1) 2 minutes ago',
  fix: 'docker start abc_web_1',
} as const;
