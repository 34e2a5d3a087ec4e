/** Who has an address: leases, records and Engines through creates, starts and stops. Real streams, tunnels and store; hosts of plain data. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { ArpanetError, type ContainerRecord, type ContainerView, keys, type LeaseRecord } from '../../../src/model/index.ts';
import { until as untilAnswered } from '../../support/cluster/cluster.ts';
import { startFakeCluster, until } from '../../support/fakes/fake-cluster.ts';

async function startSmall(hosts: number, subnet = '10.44.0.0/28', options: { hostDownMs?: number } = {}) {
  const cluster = await startFakeCluster(hosts, { lingerMs: 60_000, ...options });
  const { containers, networks } = cluster.scheduler;
  await networks.create({ Name: 'small', IPAM: { Config: [{ Subnet: subnet }] } }, randomUUID());
  const engineOf = ({ id, host }: Pick<ContainerView, 'id' | 'host'>) => {
    const { engine } = cluster.agents.find(({ name }) => name === host) ?? assert.fail();
    return { engine, held: engine.containers.get(id) ?? assert.fail() };
  };
  const shown = (container: Pick<ContainerView, 'id' | 'host'>) =>
    cluster.scheduler.view.refresh(container.host, { containers: [container.id] });
  const record = (name: string) => cluster.ledger.get<ContainerRecord>(keys.container(name)) ?? assert.fail();
  return {
    cluster,
    record,
    engineOf,
    async create(name: string, ip?: string, on?: string) {
      const endpoint = ip === undefined ? {} : { IPAMConfig: { IPv4Address: ip } };
      const request = {
        Image: 'busybox',
        HostConfig: { NetworkMode: 'small' },
        NetworkingConfig: { EndpointsConfig: { small: endpoint } },
      };
      const signal = new AbortController().signal;
      const create = { name, platform: undefined, request, apiVersion: '1.41', requestId: randomUUID(), signal, ...(on && { on }) };
      await cluster.scheduler.containers.create(create);
      return containers.one(name);
    },
    start: (name: string) =>
      networks.starting(containers.one(name), async () => {
        engineOf(containers.one(name)).held.status = 'running';
        await shown(containers.one(name));
      }),
    async stop(name: string) {
      engineOf(containers.one(name)).held.status = 'exited';
      await shown(containers.one(name));
    },
    /** By container, on the Engines. */
    running: () =>
      cluster.agents.flatMap(({ engine }) =>
        [...engine.containers.values()].flatMap(({ status, networks: at }) => (status === 'running' ? [at.get('small') ?? ''] : [])),
      ),
    leases: (kind: LeaseRecord['kind']) =>
      cluster.ledger.list<LeaseRecord>(keys.leases).flatMap(([, lease]) => (lease.kind === kind && lease.state === 'bound' ? [lease] : [])),
  };
}

const IN_USE = { kind: 'forbidden', message: 'Address already in use' } as const;

describe('an address that is asked for by name', () => {
  it('is whose container runs; the other’s start is refused in the Engine’s words, and works when the first has stopped', async () => {
    const at = await startSmall(2);
    await using _ = at.cluster;
    await at.create('blue', '10.44.0.9', 'h1');
    await at.start('blue');
    const green = await at.create('green', '10.44.0.9', 'h2');
    assert.equal(at.engineOf(green).held.networks.get('small'), '', 'its Engine could not start it by itself');
    await assert.rejects(at.start('green'), IN_USE);
    await at.stop('blue');
    await at.start('green');
    assert.deepEqual(
      [at.record('green').addresses, at.record('blue').addresses].map((all) => Object.values(all)),
      [['10.44.0.9'], []],
    );
    assert.deepEqual(at.running(), ['10.44.0.9']);
    await assert.rejects(at.start('blue'), IN_USE);
    await at.stop('green');
    await at.start('blue');
    assert.deepEqual(at.running(), ['10.44.0.9']);
  });

  it('stays with a container that is just being started, whatever the view shows yet', async () => {
    const at = await startSmall(2);
    await using _ = at.cluster;
    await at.create('slow', '10.44.0.9', 'h1');
    await at.create('fast', '10.44.0.9', 'h2');
    let begun = (): void => undefined;
    const isBegun = new Promise<void>((resolve) => (begun = resolve));
    let end = (): void => undefined;
    const isEnded = new Promise<void>((resolve) => (end = resolve));
    const slow = at.cluster.scheduler.networks.starting(at.cluster.scheduler.containers.one('slow'), () => {
      begun();
      return isEnded;
    });
    await isBegun;
    await assert.rejects(at.start('fast'), IN_USE);
    end();
    await slow;
    await at.start('fast');
    assert.deepEqual(Object.values(at.record('slow').addresses), []);
  });

  it('stays with one that started behind the leader’s back', async () => {
    const at = await startSmall(2);
    await using _ = at.cluster;
    await at.create('first', '10.44.0.9', 'h1');
    const second = await at.create('second', '10.44.0.9', 'h2');
    assert.deepEqual(Object.values(at.record('second').addresses), ['10.44.0.9'], 'the other did not run');
    at.engineOf(second).held.status = 'running'; // the view does not show it yet
    await assert.rejects(at.start('first'), IN_USE);
    assert.deepEqual(at.running(), ['10.44.0.9']);
  });

  it('goes on under the next leader', async () => {
    const at = await startSmall(1);
    await using _ = at.cluster;
    await at.create('blue', '10.44.0.9');
    await at.create('green', '10.44.0.9');
    const states = () =>
      ['blue', 'green'].map((name) => [Object.values(at.record(name).addresses), at.record(name).unaddressed?.length ?? 0]);
    const before = states();
    assert.deepEqual(
      before.flat(2).filter((one) => one === '10.44.0.9'),
      ['10.44.0.9'],
      'one of them has it',
    );
    await at.cluster.nextLeader();
    assert.deepEqual(states(), before);
  });
});

describe('a network that is full', () => {
  it('takes addresses back from containers that do not run, the one that was stopped first, and gives them others at their start', async () => {
    const at = await startSmall(1);
    await using _ = at.cluster;
    for (let n = 1; n <= 12; n++) await at.create(`c${n}`);
    for (const n of [1, 2, 3]) await at.start(`c${n}`);
    await at.create('c13');
    await at.start('c13');
    const without = (): readonly string[] =>
      at.cluster.ledger.list<ContainerRecord>(keys.containers).flatMap(([, one]) => (one.unaddressed ? [one.name] : []));
    assert.equal(without().length, 1, 'one had to give its address up');
    const [first = ''] = without();
    assert.ok(!['c1', 'c2', 'c3', 'c13'].includes(first));
    await at.start(first);
    assert.equal(without().length, 1);
    assert.equal(new Set(at.running()).size, 5);
    for (let n = 4; n <= 12; n++)
      await at.start(`c${n}`).catch((error: unknown) => assert.ok(error instanceof ArpanetError && error.kind === 'exhausted'));
    assert.equal(at.running().length, 12, 'all but the gateway and the host’s own');
    assert.equal(new Set(at.running()).size, 12);
    await assert.rejects(at.create('more'), {
      kind: 'exhausted',
      message: /no available IPv4 addresses on this network's address pools: small/,
    });
  });

  it('takes back the own address of a host on which nothing runs, before any container’s', async () => {
    const at = await startSmall(2, '10.44.0.0/29');
    await using _ = at.cluster;
    await at.create('idle', undefined, 'h2');
    for (const name of ['one', 'two']) {
      await at.create(name, undefined, 'h1');
      await at.start(name);
    }
    assert.deepEqual(
      at
        .leases('gateway')
        .map(({ owner }) => owner)
        .sort(),
      ['h1', 'h2'],
    );
    await at.create('three', undefined, 'h1');
    assert.deepEqual(
      at.leases('gateway').map(({ owner }) => owner),
      ['h1'],
    );
    assert.equal(Object.values(at.record('idle').addresses).length, 1);
    const h2 = at.cluster.agents.find(({ name }) => name === 'h2');
    assert.deepEqual([...(h2?.engine.networks.values() ?? [])], []);
    await at.start('idle');
    assert.deepEqual(
      at
        .leases('gateway')
        .map(({ owner }) => owner)
        .sort(),
      ['h1', 'h2'],
      'it has one again while something runs there',
    );
  });
});

describe('an address on a host that is lost', () => {
  it('is another’s once somebody asks for it, behind a fence; when the host is back, its container goes on with another one', async () => {
    const at = await startSmall(4, '10.44.0.0/28', { hostDownMs: 1_500 });
    await using _ = at.cluster;
    const { agents } = at.cluster;
    const [lost, ...others] = agents;
    assert.ok(lost);
    const { id } = await at.create('old', undefined, 'h1');
    await at.start('old');
    const [wanted = ''] = Object.values(at.record('old').addresses);
    const taken = await at.create('new', wanted, 'h2');
    await assert.rejects(at.start('new'), IN_USE);
    lost.hangUp();
    await assert.rejects(at.start('new'), IN_USE, 'a host that is silent is not given up yet');
    await untilAnswered('it is, when the host is given up', async () => (await at.start('new'), true));
    assert.equal(at.engineOf(taken).held.networks.get('small'), wanted);
    assert.deepEqual(at.record('old').addresses, {});
    for (const agent of others) assert.ok(agent.calls.some((call) => call.method === 'fence' && call.addresses.join() === '10.0.0.1'));
    await at.cluster.nextLeader();
    for (const agent of others) await agent.dial(at.cluster.url);
    const fenced = (agent: (typeof agents)[number]) => {
      const last = agent.told.findLast((message) => message.type === 'plans');
      return last?.type === 'plans' ? (last.fenced ?? []).join() : '';
    };
    await until(() => others.every((agent) => fenced(agent) === '10.0.0.1'), 'the next leader keeps it fenced off');
    await lost.dial(at.cluster.url);
    await until(() => Object.keys(at.record('old').addresses).length === 1, 'it has another address');
    const [ip] = Object.values(at.record('old').addresses);
    assert.notEqual(ip, wanted);
    await until(() => lost.engine.containers.get(id)?.networks.get('small') === ip, 'on its Engine, too');
    await until(() => others.every((agent) => fenced(agent) === ''), 'nobody is fenced off');
    assert.deepEqual(at.cluster.ledger.list(keys.lost), []);
    assert.deepEqual([lost.engine.containers.get(id)?.status, new Set(at.running())], ['running', new Set([ip, wanted])]);
  });
});
