/** What the operator's API answers, as schemas with an example each. Fields may be added in later releases: clients leave alone what they do not know. */
import { z } from 'zod';
import {
  count,
  decision,
  exampleDecision,
  exampleHost,
  exampleLease,
  faults,
  finding,
  host,
  hostFields,
  lease,
  moved,
  ms,
  named,
  number,
  record,
  refusal,
  service,
  setting,
  stays,
  stringMap,
  text,
  texts,
  update,
} from './shapes.ts';

interface Answer {
  readonly schema: z.ZodType;
  readonly example: unknown;
}

const exampleStatus = {
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

const user = z.object({
  name: text,
  role: z.enum(['viewer', 'deployer', 'operator', 'admin']),
  deployments: texts,
  createdAtMs: ms,
  validUntilMs: ms.optional(),
});
const exampleUser = {
  name: 'ada',
  role: 'deployer',
  deployments: ['abc'],
  createdAtMs: 1_790_000_000_000,
  validUntilMs: 1_797_776_000_000,
} as const;

/** By its name in `components/schemas`. */
export const ANSWERS = {
  Error: { schema: z.object({ message: text }), example: { message: 'no such host: h9' } },
  Health: {
    schema: z.object({
      name: text,
      role: z.enum(['leading', 'following']),
      leader: text.optional(),
      epoch: count.optional(),
      version: text,
    }),
    example: { name: 's1', role: 'leading', leader: 'http://10.0.0.1:2375', epoch: 3, version: '0.1.0' },
  },
  Status: {
    schema: z.object({
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
    }),
    example: exampleStatus,
  },
  Top: {
    schema: z.object({
      atMs: ms,
      hosts: z.array(host),
      containers: z.array(z.object({ name: text, id: text, host: text, image: text, cores: number, memoryBytes: number })),
    }),
    example: {
      atMs: 1_790_000_000_000,
      hosts: [exampleHost],
      containers: [{ name: 'abc_web_1', id: 'f00d', host: 'h1', image: 'web:1', cores: 0.4, memoryBytes: 52_428_800 }],
    },
  },
  Hosts: { schema: z.array(host), example: [exampleHost] },
  Host: {
    schema: z.object({
      ...hostFields,
      joinedAtMs: ms.optional(),
      os: text,
      arch: text,
      kernel: text,
      agentVersion: text,
      gateway: text,
      overlay: text,
      networks: z.array(z.object({ name: text, cidr: text, gateway: text, instances: count })),
      instances: z.array(z.object({ name: text, image: text, state: text, addresses: texts })),
      volumes: texts,
      images: count,
      leases: z.array(z.object({ ip: text, kind: text, owner: text, state: text })),
    }),
    example: {
      ...exampleHost,
      joinedAtMs: 1_790_000_000_000,
      os: 'Debian GNU/Linux 12 (bookworm)',
      arch: 'amd64',
      kernel: '6.1.0-30-amd64',
      agentVersion: '0.1.0',
      gateway: '10.0.0.11:2376',
      overlay: 'vxlan',
      networks: [{ name: 'abc_default', cidr: '10.32.0.0/22', gateway: '10.32.0.1', instances: 2 }],
      instances: [{ name: 'abc_web_1', image: 'web:1', state: 'up 2 hours', addresses: ['10.32.0.64'] }],
      volumes: ['abc_data'],
      images: 4,
      leases: [{ ip: '10.32.0.64', kind: 'instance', owner: 'abc_web_1', state: 'bound' }],
    },
  },
  Services: {
    schema: z.array(service),
    example: [
      {
        deployment: 'abc',
        service: 'web',
        desired: 2,
        running: 1,
        done: 0,
        isHeld: true,
        isGlobal: false,
        image: 'web:1',
        instances: [
          {
            name: 'abc_web_1',
            id: 'f00d',
            number: 1,
            host: 'h1',
            image: 'web:1',
            state: 'up 2 hours',
            addresses: ['10.32.0.64'],
            isStopped: false,
          },
        ],
      },
    ],
  },
  Networks: {
    schema: z.array(
      z.looseObject({
        id: text,
        name: text,
        deployment: text,
        cidr: text,
        vni: count,
        labels: stringMap,
        internal: z.boolean(),
        leases: z.array(lease),
      }),
    ),
    example: [
      {
        id: 'n'.repeat(8),
        name: 'abc_default',
        deployment: 'abc',
        cidr: '10.32.0.0/22',
        vni: 1,
        labels: {},
        internal: false,
        leases: [exampleLease],
      },
    ],
  },
  Names: {
    schema: z.array(named),
    example: [
      {
        id: '1.web.abc',
        container: 'f00d',
        name: 'abc_web_1',
        deployment: 'abc',
        service: 'web',
        number: 1,
        host: 'h1',
        addresses: { [exampleLease.network]: '10.32.0.64' },
        aliases: {},
        links: {},
        ports: [{ port: 80, protocol: 'tcp' }],
        state: 'running',
        ready: true,
      },
    ],
  },
  Records: { schema: z.array(record), example: [{ name: 'outside.abc', entries: [{ type: 'A', value: '192.0.2.7' }] }] },
  Record: { schema: record, example: { name: 'outside.abc', entries: [{ type: 'A', value: '192.0.2.7' }] } },
  Settings: { schema: z.array(setting), example: [{ name: 'strategy', value: 'spread', isSet: false, own: 'spread' }] },
  Setting: { schema: setting, example: { name: 'strategy', value: 'binpack', isSet: true, own: 'spread' } },
  Bundle: { schema: z.object({ bundle: text }), example: { bundle: '-----BEGIN CERTIFICATE-----…' } },
  Certificate: {
    schema: z.object({ certificate: text, bundle: text }),
    example: { certificate: '-----BEGIN CERTIFICATE-----…', bundle: '-----BEGIN CERTIFICATE-----…' },
  },
  Token: { schema: z.object({ token: text }), example: { token: 'join-me' } },
  Backup: { schema: z.array(z.tuple([text, z.unknown()])), example: [['arpanet/epoch', 3]] },
  Audit: {
    schema: z.object({ findings: z.array(finding), fixed: z.array(finding) }),
    example: { findings: [{ where: 'engine', host: 'h1', what: 'container abc_web_1 has no record' }], fixed: [] },
  },
  AuditLine: {
    schema: z.object({
      time: text,
      user: text.optional(),
      role: text.optional(),
      certificate: text.optional(),
      from: text,
      method: text,
      route: text,
      object: text.optional(),
      deployment: text.optional(),
      host: text.optional(),
      result: z.enum(['done', 'refused', 'failed', 'gone']),
      status: count.optional(),
      requestId: text,
      scheduler: text,
    }),
    example: {
      time: '2026-11-29T12:00:00.000Z',
      user: 'ada',
      role: 'deployer',
      from: '10.0.0.7',
      method: 'DELETE',
      route: '/containers/{id}',
      object: 'abc_web_1',
      deployment: 'abc',
      host: 'h1',
      result: 'done',
      status: 204,
      requestId: '0c3f5a52-6f9c-4e9b-9a53-0d1f1c1f7d11',
      scheduler: 's1',
    },
  },
  Discarded: { schema: z.object({ key: text }), example: { key: 'arpanet/services/abc/web' } },
  Decision: { schema: z.object({ container: text, ...decision }), example: { container: 'abc_web_1', ...exampleDecision } },
  Rehearsal: {
    schema: z.array(
      z.union([
        z.object({ kind: z.literal('placed'), decision: z.object(decision), addresses: stringMap }),
        z.object({ kind: z.literal('refused'), message: text, refused: z.array(refusal), addresses: stringMap }),
      ]),
    ),
    example: [{ kind: 'placed', decision: exampleDecision, addresses: { abc_default: '10.32.0.64' } }],
  },
  Dial: { schema: z.object({ outcome: z.enum(['open', 'refused', 'silent']), why: text }), example: { outcome: 'open', why: '' } },
  Empty: { schema: z.looseObject({}), example: {} },
  HostRecord: {
    schema: z.looseObject({ name: text, address: text, availability: z.enum(['active', 'pause', 'drain']), labels: stringMap }),
    example: {
      name: 'h1',
      address: '10.0.0.11',
      gateway: '10.0.0.11:2376',
      availability: 'pause',
      labels: { rack: 'r1' },
      joinedAtMs: 1_790_000_000_000,
    },
  },
  HostName: { schema: z.object({ host: text }), example: { host: 'h1' } },
  Activated: { schema: z.object({ host: text }), example: { host: 'h1' } },
  CleanPlan: {
    schema: z.object({
      host: text,
      containers: z.array(z.object({ id: text, name: text, ended: text })),
      images: z.array(z.object({ id: text, name: text, bytes: number })),
      volumes: texts,
      networks: texts,
    }),
    example: { host: 'h1', containers: [{ id: 'f00d', name: 'once', ended: '2 hours ago' }], images: [], volumes: [], networks: [] },
  },
  RebalancePlan: {
    schema: z.object({
      moves: z.array(z.object({ id: text, name: text, service: text, from: text, to: text })),
      before: z.record(text, number),
      after: z.record(text, number),
      stays: z.array(stays),
    }),
    example: {
      moves: [{ id: 'f00d', name: 'abc_web_1', service: 'abc/web', from: 'h1', to: 'h2' }],
      before: { h1: 3, h2: 1 },
      after: { h1: 2, h2: 2 },
      stays: [],
    },
  },
  ScalePlan: {
    schema: z.object({
      service: text,
      from: count,
      to: count,
      added: z.array(z.object({ name: text, host: text.optional(), why: text.optional() })),
      unplaced: count,
      removed: texts,
    }),
    example: { service: 'abc/web', from: 2, to: 3, added: [{ name: 'abc-web-3', host: 'h2' }], unplaced: 0, removed: [] },
  },
  Watch: {
    schema: z.object({ whole: z.boolean(), set: z.record(text, z.unknown()), gone: texts }),
    example: { whole: false, set: { 'host/h1': exampleHost }, gone: ['service/abc/old'] },
  },
  Scaled: {
    schema: z.array(z.object({ deployment: text, service: text, from: count, to: count, running: count })),
    example: [{ deployment: 'abc', service: 'web', from: 2, to: 3, running: 3 }],
  },
  ServiceNames: { schema: texts, example: ['abc/web'] },
  Update: {
    schema: z.union([update, z.null()]),
    example: { state: 'completed', startedAtMs: 1_790_000_000_000, completedAtMs: 1_790_000_009_000, message: 'update completed' },
  },
  User: { schema: user, example: exampleUser },
  Users: { schema: z.array(user), example: [exampleUser] },
  UserBundle: {
    schema: z.object({ user, certificate: text.optional(), ca: text.optional() }),
    example: { user: exampleUser, certificate: '-----BEGIN CERTIFICATE-----', ca: '-----BEGIN CERTIFICATE-----' },
  },
  Policies: {
    schema: z.record(text, z.record(text, z.union([text, number, z.boolean(), texts]))),
    example: { deployer: { privileged: false, binds: ['/srv/abc'], registries: 'any', memory: '2GiB', cpus: 2 } },
  },
  PolicyRefusals: {
    schema: z.array(z.object({ name: text, problems: texts })),
    example: [{ name: 'abc_web_1', problems: ['HostConfig.Privileged is true, and may not be given'] }],
  },
  Nothing: { schema: z.null(), example: null },
  HostAdded: { schema: z.object({ host: text, joined: z.boolean() }), example: { host: 'h4', joined: false } },
  HostRemoved: {
    schema: z.object({ host: text, containers: texts, volumes: texts }),
    example: { host: 'h4', containers: [], volumes: [] },
  },
  HostReset: {
    schema: z.object({ host: text, containers: texts, networks: texts }),
    example: { host: 'h4', containers: [], networks: ['abc_default'] },
  },
  Drained: {
    schema: z.object({ host: text, moved: z.array(moved), ended: texts, stays: z.array(stays) }),
    example: { host: 'h1', moved: [{ from: 'abc_web_1', to: 'abc_web_1', host: 'h2' }], ended: [], stays: [] },
  },
  Moved: {
    schema: z.object({ moved: z.array(moved), stays: z.array(stays) }),
    example: { moved: [], stays: [{ container: 'db', why: 'its volume is on h1' }] },
  },
  FilledUp: {
    schema: z.object({ host: text, resumed: texts, moved: z.array(moved), stays: z.array(stays) }),
    example: { host: 'h2', resumed: [], moved: [], stays: [] },
  },
  Cleaned: {
    schema: z.object({
      host: text,
      containers: texts,
      images: count,
      volumes: texts,
      networks: texts,
      reclaimedBytes: number,
      kept: texts,
    }),
    example: { host: 'h1', containers: ['once'], images: 2, volumes: [], networks: [], reclaimedBytes: 1_048_576, kept: [] },
  },
} satisfies Record<string, Answer>;

export type AnswerName = keyof typeof ANSWERS;
