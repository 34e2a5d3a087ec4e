/**
 * The whole of a leader in one process: Docker's API and the operator's, over the fake cluster's real scheduler, services and store. Its Engines
 * read bodies as Engines do, and do nothing of what the scheduler's tests do not need.
 */
import { goDecode, GoJsonError, goStruct } from '../../../src/docker-json/index.ts';
import { type Endpoint, startEndpoint } from '../../../src/docker-api/index.ts';
import { ArpanetError, noFailpoint } from '../../../src/model/index.ts';
import { operatorApi, type OperatorDeps } from '../../../src/operator-api/api.ts';
import { explained } from '../../../src/operator-api/index.ts';
import type { People } from '../../../src/contracts/index.ts';
import { clusterOf } from '../../../src/processes/cluster-roles.ts';
import { narrowedFor } from '../../../src/processes/people/narrowed.ts';
import { startServices } from '../../../src/services/index.ts';
import type { Logger } from '../../../src/telemetry/log.ts';
import { quietLog } from '../cluster/lab.ts';
import { type FakeCluster, startFakeCluster, TOKEN } from './fake-cluster.ts';
import type { Answered, Asked } from './fake-engine.ts';
import { ENDPOINT_LIMITS } from './small-engine.ts';

/** By which schedulers sign whom they speak for. */
export const SCHEDULERS_SECRET = 'of schedulers';

export interface FakeEndpoint extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly endpoint: Endpoint;
  readonly url: string;
  readonly port: number;
  /** Its services do not lead any more. */
  readonly lose: () => void;
  /** They lead again, and know what the store has. */
  readonly leadAgain: () => void;
  /** What was logged as an error: nothing that a client sends is one. */
  readonly unexpected: readonly unknown[];
  /** Join tokens that join nobody any more. */
  readonly withdrawn: readonly string[];
}

/** `people`: who they are that a scheduler speaks for, and what they have to obey. */
export async function startFakeEndpoint(
  hosts: number,
  options: Parameters<typeof startFakeCluster>[1] = {},
  people?: Pick<People, 'identify' | 'policy'>,
): Promise<FakeEndpoint> {
  const cluster = await startFakeCluster(hosts, options);
  for (const { engine } of cluster.agents) engine.otherwise = asEnginesDo;
  let lost = new AbortController();
  const { scheduler, ledger } = cluster;
  const startRoom = () =>
    startServices(
      {
        scheduler,
        ledger,
        log: quietLog,
        now: Date.now,
        newId: () => crypto.randomUUID().replaceAll('-', '').repeat(2),
        lostAfterMs: () => 60_000,
        isRestartEnough: () => true,
        rehearse: (creates) => scheduler.placement.rehearse(creates),
        failpoint: noFailpoint,
      },
      lost.signal,
    );
  let room = startRoom();
  const unexpected: unknown[] = [];
  const withdrawn: string[] = [];
  const log = Object.create(quietLog, { error: { value: (...what: readonly unknown[]) => unexpected.push(what) } }) as Logger;
  const notHere = (): never => {
    throw new ArpanetError('unsupported', 'not here');
  };
  const operator: OperatorDeps = {
    ready: async () => undefined,
    observe: notHere,
    join: async () => await Promise.reject(new ArpanetError('unavailable', 'nobody joins here')),
    joining: () => ({
      version: '0.2.0',
      place: () => ({ url: 'https://10.0.0.1:2376', schedulers: [], pool: '10.32.0.0/12', isSealed: false }),
      check: notHere,
      paths: notHere,
    }),
    issueToken: async ({ host, ttlMs = 0 }) => ({ token: `pass-for-${host}`, untilMs: Date.now() + ttlMs }),
    withdrawToken: async (token) => void withdrawn.push(token),
    bundle: () => undefined,
    secret: async () => 'a secret',
    terminals: { prepare: notHere, accept: notHere },
    engine: notHere,
    container: scheduler.containers.one,
    cas: notHere,
    schema: notHere,
    keys: notHere,
    keysFor: () => undefined,
    deployments: notHere,
    hostMetrics: async () => '',
    revoke: async () => undefined,
    readmit: async () => undefined,
    rotateToken: async () => 'rotated',
    token: () => TOKEN,
    everything: () => [],
    decision(reference) {
      const { record } = scheduler.containers.one(reference);
      return record === undefined ? notHere() : explained(record, scheduler.placement.rehearse);
    },
    rehearse: async (creates) => scheduler.placement.rehearse(creates).map((one) => ({ ...one, addresses: {} })),
    audit: async () => ({ findings: [], fixed: [] }),
    discard: notHere,
    services: () => room.services,
    hostOperations: () => room.hosts,
    boot: notHere,
    users: notHere,
    policies: notHere,
    narrowed: (identity) =>
      narrowedFor({ scheduler, services: room, people: { policy: people?.policy ?? (() => undefined) } }, operator, identity),
    dial: notHere,
    outside: notHere,
    config: notHere,
    usage: async () => [],
    live: notHere,
    auditLog: notHere,
    peer: () => undefined,
    now: Date.now,
    log,
  };
  const endpoint = await startEndpoint({
    listen: [{ host: '127.0.0.1', port: 0 }],
    ...ENDPOINT_LIMITS,
    name: 's1',
    token: () => TOKEN,
    log,
    operator: operatorApi(operator),
    trouble: () => undefined,
    ...(people && {
      doors: { people: () => ({ ...people, areLimited: () => true, onChange: () => undefined }), secret: async () => SCHEDULERS_SECRET },
    }),
    acceptAgent: (_request, socket) => socket.destroy(),
  });
  endpoint.lead(clusterOf(scheduler, room));
  const port = endpoint.addresses[0]?.port ?? 0;
  return {
    cluster,
    endpoint,
    url: `http://127.0.0.1:${port}`,
    port,
    unexpected,
    withdrawn,
    lose: () => lost.abort(),
    leadAgain() {
      lost.abort();
      lost = new AbortController();
      room = startRoom();
    },
    async [Symbol.asyncDispose]() {
      lost.abort();
      await endpoint[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

/** The types of what goes to an Engine as it is. */
const STRUCTS: readonly (readonly [route: RegExp, struct: string])[] = [
  [/^POST \/containers\/create$/, 'runconfig.ContainerConfigWrapper@1.41'],
  [/^POST \/containers\/[^/]+\/update$/, 'container.UpdateConfig'],
  [/^POST \/containers\/[^/]+\/exec$/, 'types.ExecConfig'],
  [/^POST \/commit$/, 'container.Config'],
  [/^POST \/exec\/[^/]+\/start$/, 'types.ExecStartCheck'],
  [/^POST \/auth$/, 'types.AuthConfig'],
  [/^POST \/images\/.+\/push$/, 'types.AuthConfig'],
];

/** What a route's answer has, where a client of the Engine reads it. */
const BODIES: readonly (readonly [route: RegExp, status: number, body: unknown])[] = [
  [/^POST \/containers\/[^/]+\/exec$/, 201, { Id: 'e'.repeat(64) }],
  [/^POST \/exec\/[^/]+\/start$/, 200, undefined],
  [/^POST \/auth$/, 200, { Status: 'Login Succeeded' }],
  [/^POST \/images\/.+\/push$/, 200, { status: 'The push refers to repository [docker.io/library/nobody]' }],
  [/^POST \/commit$/, 201, { Id: `sha256:${'d'.repeat(64)}` }],
  [/^POST \/containers\/[^/]+\/update$/, 200, { Warnings: [] }],
  [/^POST \/containers\/[^/]+\/wait$/, 200, { StatusCode: 0 }],
  [/^POST \/(?:containers|images|volumes|networks|build)\/prune$/, 200, { SpaceReclaimed: 0 }],
  [/^GET \/(?:system\/df)$/, 200, {}],
  [/^GET \/(?:containers|images)\/json$/, 200, []],
];

function asEnginesDo({ route, body }: Asked): Answered {
  const [, struct] = STRUCTS.find(([pattern]) => pattern.test(route)) ?? [];
  try {
    if (struct !== undefined) goDecode(body, goStruct(struct));
  } catch (error) {
    if (error instanceof GoJsonError) return { status: 400, body: { message: error.message } };
    throw error;
  }
  if (route === 'POST /containers/create') return { status: 400, body: { message: 'Invalid container name (-)' } };
  const [, status, answer] = BODIES.find(([pattern]) => pattern.test(route)) ?? [];
  return status === undefined ? { status: 204 } : { status, body: answer };
}
