/** What the leader decides costs the same with ten hosts and with a thousand: entries that are walked are counted, over plain data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createKeyed } from '../../../src/async/keyed.ts';
import type { InstanceSource } from '../../../src/registrar/index.ts';
import { createInstanceTable } from '../../../src/registrar/index.ts';
import { createDeployments } from '../../../src/registrar/deployments.ts';
import { createDhcp } from '../../../src/dhcp/index.ts';
import {
  type ContainerFacts,
  type ContainerRecord,
  type CreateRequest,
  type HostFacts,
  type HostRecord,
  keys,
  type LeaseRecord,
  type NetworkPlan,
  type NetworkRecord,
} from '../../../src/model/index.ts';
import { createNamesPush } from '../../../src/scheduler/agents/names-push.ts';
import { createCommit, type Core } from '../../../src/scheduler/core.ts';
import { type Claim, createClaim } from '../../../src/scheduler/create/claim.ts';
import { createRefusals } from '../../../src/scheduler/create/refusals.ts';
import { createOverlays } from '../../../src/scheduler/networks/overlays.ts';
import { createUndo } from '../../../src/scheduler/create/undo.ts';
import { createPromisedHosts } from '../../../src/scheduler/placement/promised-hosts.ts';
import { startLiveness } from '../../../src/scheduler/loss/liveness.ts';
import { createTriggers } from '../../../src/scheduler/triggers.ts';
import { createHostSummaries } from '../../../src/scheduler/view/host-summaries.ts';
import { rememberedFacts } from '../../../src/scheduler/view/placeholder-containers.ts';
import { createRecordIndex } from '../../../src/scheduler/view/record-index.ts';
import { createTouchedRecords } from '../../../src/scheduler/view/touched-records.ts';
import { createView } from '../../../src/scheduler/view/view.ts';
import type { View } from '../../../src/scheduler/view/roles.ts';
import { KeyTree } from '../../../src/store/ledger/key-tree.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';
import { seedContainers } from '../../support/fakes/seeded-cluster.ts';
import { walkedIn } from '../../support/fakes/walked.ts';
import { quietLog } from '../../support/cluster/lab.ts';

/** Lists as the leader's own does. */
class TreeLedger extends LiteralLedger {
  readonly tree = new KeyTree<unknown>();

  override list<T>(prefix: string): readonly (readonly [string, T])[] {
    return this.tree.list(prefix) as readonly (readonly [string, T])[];
  }

  override apply(changes: Parameters<LiteralLedger['apply']>[0]): void {
    for (const change of changes) {
      if (change.kind === 'delete') this.tree.delete(change.key);
      else this.tree.set(change.key, change.value);
    }
    super.apply(changes);
  }
}

interface World {
  readonly view: View;
  readonly ledger: TreeLedger;
  readonly claim: Claim;
  readonly names: InstanceSource;
  readonly pushNames: () => Promise<void>;
  readonly plansOf: (host: string) => readonly NetworkPlan[];
  readonly sweep: () => void;
  /** Which hosts were sent names. */
  readonly told: string[];
}

const EACH = 3;
const BUSYBOX = image('busybox:latest', `sha256:${'b'.repeat(64)}`);
let made = 0;
const newId = (): string => String(++made).padStart(64, '0');

/** A leader's knowledge of so many hosts that are alive, each with the image and some containers that run. */
async function startWorld(hosts: number): Promise<World> {
  const ledger = new TreeLedger();
  const dhcp = createDhcp({ ledger, pool: '10.32.0.0/12', defaultPrefix: 24, restMs: 1, epoch: 1, now: () => 1_000, newId });
  const seed = await seedContainers(ledger, dhcp, hosts, EACH);
  const settings = { strategy: 'spread' as const, overcommit: { cpus: 1, memory: 1 }, isPublishing: false, agentSettings: () => ({}) };
  const leader = { url: 'http://10.9.0.1:2375' };
  const deps = { leader, ledger, dhcp, log: quietLog, now: () => 1_000, newId, random: Math.random, settings } as unknown as Core['deps'];
  const recordIndex = createRecordIndex(
    (id) => view.read.byId(id) !== undefined,
    (host) => summaries.changed(host),
  );
  const view = createView(
    () => false,
    () => undefined,
    () => undefined,
    {
      container: (id) => touched.container(id),
      record: (name) => touched.record(name),
      host: (name) => touched.host(name),
      placing: (name) => summaries.changed(name),
    },
  );
  const summaries = createHostSummaries({ deps, view: view.read, images: view.images, recordIndex });
  const touched = createTouchedRecords(ledger, recordIndex);
  for (const [, record] of ledger.list<ContainerRecord>(keys.containers)) view.records.set(record.name, record);
  for (let i = 1; i <= hosts; i++) {
    const name = `h${i}`;
    const host = { name, address: `10.0.${i >> 8}.${i & 255}`, gateway: '', labels: {}, availability: 'active', joinedAtMs: 0 } as const;
    const facts = {
      name,
      cpus: 4,
      memoryBytes: 8e9,
      os: 'linux',
      arch: 'x86_64',
      apiVersion: '1.41',
      routes: [],
      info: {},
      answersPorts: true,
      http: 'edge',
    };
    view.hosts.join(host, facts as unknown as HostFacts);
    const [first, ...others] = (seed.containers.get(name) ?? []).map(({ record }) => running(record, ledger));
    const containers = [...(first === undefined ? [] : [publishing(first)]), ...others];
    view.facts.apply(name, { type: 'snapshot', snapshot: { containers, images: [BUSYBOX], volumes: [], networks: [] } }, 1);
    view.hosts.setState(name, 'alive', undefined, 1);
  }
  const core = {
    deps,
    view: view.read,
    images: view.images,
    records: view.records,
    recordIndex,
    summaries,
    echoes: { isSilent: () => false },
    feed: { own: () => undefined },
    commit: createCommit(deps, view.records),
  } as unknown as Core;
  const claim = createClaim({
    core,
    platforms: { of: () => undefined },
    volumes: { find: () => undefined, list: () => [] } as never,
    overlays: { tidy: async () => undefined, gatewayFor: (_record: unknown, _host: unknown, ip: string) => ip } as never,
    refusals: createRefusals(),
    addresses: { idleSince: () => undefined },
    promisedHosts: createPromisedHosts(() => 1_000),
  });
  const nobody = { has: () => false };
  const names = createInstanceTable({
    touched: touched.take,
    record: (name) => ledger.get<ContainerRecord>(keys.container(name)),
    container: (id) => view.read.byId(id),
    withdrawn: nobody,
    joining: nobody,
    cutOff: nobody,
    networkOf: (id) => ledger.get<NetworkRecord>(keys.network(id)),
  });
  const told: string[] = [];
  const hub = { hosts: () => [...seed.containers.keys()], send: async (host: string) => told.push(host) > 0 };
  const push = createNamesPush({ hub, log: quietLog, now: () => 1, takesChanges: () => true });
  const deployments = createDeployments();
  const at = { version: 1, epoch: 1, atMs: 1, isForAll: false, outside: [] };
  const pushNames = (isWhole = false) => {
    const changes = names.changes();
    const { come, gone } = deployments.note(changes);
    const whole = { deployments: names.deployments, instances: names.all };
    return push.push({ ...at, ...whole, isWhole, changes, deploymentsCome: come, deploymentsGone: gone });
  };
  await pushNames(true);
  const overlays = createOverlays({ ...core, hub, keyed: createKeyed() } as unknown as Core);
  return {
    view,
    plansOf: (host) => overlays.plansOf(host),
    ledger,
    claim,
    names,
    pushNames,
    told,
    sweep: () => ledger.apply(dhcp.leases.sweep()),
  };
}

function running(record: ContainerRecord, ledger: LiteralLedger): ContainerFacts {
  const facts = rememberedFacts(record, record.id ?? '', (id) => ledger.get<NetworkRecord>(keys.network(id)));
  return withState(facts, 'running');
}

/** A port that it has on its host. */
function publishing(facts: ContainerFacts): ContainerFacts {
  const HostConfig = { ...facts.inspect.HostConfig, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } };
  return { ...facts, inspect: { ...facts.inspect, HostConfig } };
}

function withState(facts: ContainerFacts, status: 'running' | 'exited'): ContainerFacts {
  const State = { ...facts.inspect.State, Status: status, Running: status === 'running' };
  return { summary: { ...facts.summary, State: status }, inspect: { ...facts.inspect, State } };
}

/** As compose makes one; and what an agent says of it a moment later. */
async function creates({ claim, view, ledger }: World, request: CreateRequest = {}): Promise<void> {
  const name = `app0_worker_${newId()}`;
  const Labels = { 'com.docker.compose.project': 'app0', 'com.docker.compose.service': 'worker', ...request.Labels };
  const create = {
    name,
    request: { Image: 'busybox', ...request, Labels },
    requestId: name,
    apiVersion: '1.41',
    platform: '',
    signal: new AbortController().signal,
  };
  const claimed = claim(create, createUndo(quietLog), []);
  assert.ok('record' in claimed);
  await claimed.committed;
  const record = { ...claimed.record, id: newId() };
  ledger.apply([{ kind: 'put', key: keys.container(name), value: record }]);
  view.records.set(name, record);
  view.facts.apply(record.host, { type: 'containers', upserts: [running(record, ledger)], removes: [] }, 1);
}

/** The first container of the host has another state, and those that may ask for it know. */
async function becomes({ view, pushNames }: World, host: string, status: 'running' | 'exited'): Promise<void> {
  const [first] = view.read.containersOn(host);
  assert.ok(first !== undefined);
  view.facts.apply(host, { type: 'containers', upserts: [withState(first.facts, status)], removes: [] }, 1);
  await pushNames();
}

const worlds = new Map<number, Promise<World>>();

function worldOf(hosts: number): Promise<World> {
  const world = worlds.get(hosts) ?? startWorld(hosts);
  worlds.set(hosts, world);
  return world;
}

/** What the change costs with so many hosts, once all is at rest. */
async function costOf(hosts: number, act: (world: World) => Promise<void>): Promise<number> {
  const world = await worldOf(hosts);
  await act(world);
  return walkedIn(() => act(world));
}

async function isTheSame(act: (world: World) => Promise<void>): Promise<void> {
  const [few, many] = [await costOf(10, act), await costOf(1_000, act)];
  assert.ok(few > 0 && many <= few * 1.1, `${few} entries walked with 10 hosts, ${many} with 1,000`);
}

describe('what a change costs with a thousand hosts is what it costs with ten', () => {
  it('of a container that dies and starts', () =>
    isTheSame(async (world) => {
      await becomes(world, 'h1', 'exited');
      await becomes(world, 'h1', 'running');
    }));

  it('of a name: those are told that may ask for it, and nobody else', async () => {
    const world = await worldOf(1_000);
    world.told.length = 0;
    await becomes(world, 'h595', 'exited');
    // its deployment has thirty containers, on ten hosts
    assert.deepEqual(
      world.told.toSorted(),
      Array.from({ length: 10 }, (_, i) => `h${591 + i}`),
    );
    await becomes(world, 'h595', 'running');
  });

  it('of a create that has a constraint and a port, and of its names', () =>
    isTheSame(async (world) => {
      await creates(world, { Env: ['constraint:node==h1'], HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '' }] } } });
      await world.pushNames();
    }));

  // to bring a network to one host more costs what the network has, whatever the cluster has
  it('of a create, wherever it goes', () => isTheSame((world) => creates(world, { HostConfig: { NetworkMode: 'none' } })));

  it('of a create that no host can take: few are looked at, and the others counted', async () => {
    const refused = (world: World, Env: readonly string[]) =>
      assert.rejects(creates(world, { Env, HostConfig: { NetworkMode: 'none' } }), { kind: 'unplaceable', message: /^no host fits: / });
    for (const Env of [['constraint:disk==ssd'], ['constraint:node==h1', 'constraint:node!=h1'], ['affinity:service==nothing']]) {
      const world = await worldOf(1_000);
      await refused(world, Env);
      const walked = await walkedIn(() => refused(world, Env));
      assert.ok(walked < 600, `${walked} entries walked for ${Env.join()}`);
    }
  });

  for (const [what, Labels, PortBindings] of [
    ['memory', { 'arpanet.reserve': 'memory=9g' }, {}],
    ['CPU', { 'arpanet.reserve': 'cpus=5' }, {}],
    ['a port', {}, { '80/tcp': [{ HostPort: '8080' }] }],
  ] as const)
    it(`of a create for which no host has ${what} left`, () =>
      isTheSame((world) =>
        assert.rejects(creates(world, { Labels, HostConfig: { NetworkMode: 'default', PortBindings } }), {
          kind: 'unplaceable',
          message: /^no host fits: /,
        }),
      ));

  it('of what a host is told of its networks when it comes', () =>
    isTheSame(async ({ plansOf }) => {
      const [plan, ...others] = plansOf('h1');
      assert.deepEqual([plan?.name, others.length], ['app0_default', 0]);
    }));

  it('of a look for leases that have rested', async () => {
    for (const hosts of [10, 1_000]) {
      const world = await worldOf(hosts);
      // the first look of a leader is at all
      world.sweep();
      const bound = world.ledger.list<LeaseRecord>(keys.leases).find(([, { kind, state }]) => kind === 'instance' && state === 'bound');
      assert.ok(bound !== undefined);
      world.ledger.apply([{ kind: 'put', key: bound[0], value: { ...bound[1], state: 'resting' } }]);
      const walked = await walkedIn(async () => world.sweep());
      assert.equal(world.ledger.get(bound[0]), undefined, 'it is given back');
      assert.ok(walked < 100, `${walked} entries walked with ${hosts} hosts`);
    }
  });

  it('of a create of which all hosts answer a port and a name', () =>
    isTheSame((world) =>
      creates(world, {
        Labels: { 'arpanet.ingress': '9090:80', 'arpanet.http': 'shop.example.com' },
        Env: ['constraint:node==h1'],
        HostConfig: { NetworkMode: 'default' },
      }),
    ));

  it("of a project's first create, and of its names", () =>
    isTheSame(async (world) => {
      const Labels = { 'com.docker.compose.project': `new${newId()}` };
      await creates(world, { Env: ['constraint:node==h1'], Labels, HostConfig: { NetworkMode: 'none' } });
      await world.pushNames();
    }));

  it('of a service that is scaled by three instances', () =>
    isTheSame(async (world) => {
      for (let i = 0; i < 3; i++) await creates(world, { HostConfig: { NetworkMode: 'none' } });
    }));

  it('of a round that looks for silent hosts, while all are heard and one is not', async () => {
    const costs: number[] = [];
    for (const hosts of [10, 1_000]) {
      const clock = { ms: 0 };
      const view = createView(() => false);
      const names = Array.from({ length: hosts }, (_, i) => `h${i}`);
      for (const name of names) view.hosts.add({ name, gateway: name } as HostRecord);
      const over = new AbortController();
      const liveness = startLiveness(
        {
          deps: { log: quietLog, now: () => clock.ms, settings: { graceMs: 5_000, hostDownMs: 10_000 } },
          view: view.read,
          members: view.hosts,
          isReached: async () => true,
          feed: { node: () => undefined },
          triggers: createTriggers().on('host-silent', () => undefined),
        },
        over.signal,
      );
      for (const name of names) {
        liveness.connected(name);
        liveness.heard(name, { type: 'snapshot' } as never);
      }
      const beat = (): void => {
        clock.ms += 1_000;
        for (const name of names) if (name !== 'h3') liveness.heard(name, { type: 'beat' } as never);
      };
      for (let i = 0; i < 12; i++) {
        beat();
        liveness.judge();
      }
      assert.equal(view.read.host('h3')?.state, 'down');
      beat();
      costs.push(await walkedIn(async () => liveness.judge()));
      over.abort();
    }
    const [few = 0, many = 0] = costs;
    assert.ok(few > 0 && many <= few * 1.1, `${few} entries walked with 10 hosts, ${many} with 1,000`);
  });
});
