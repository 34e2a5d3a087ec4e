import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import {
  type ContainerRecord,
  type ContainerView,
  type EngineEvent,
  type LabelClaim,
  type NamedInstance,
  type HostRecord,
  type NetworkRecord,
  predefinedNetworks,
} from '../../../src/model/index.ts';
import { adoptions } from '../../../src/scheduler/containers/adopt-plan.ts';
import { createFeed, type FeedDeps } from '../../../src/scheduler/events/feed.ts';
import { instancesFor } from '../../../src/scheduler/agents/names-push.ts';
import { planFor } from '../../../src/scheduler/networks/network-plans.ts';
import { checkedNetwork } from '../../../src/scheduler/networks/networks.ts';
import { createUndo } from '../../../src/scheduler/create/undo.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { createKeyed, createSlots } from '../../../src/async/keyed.ts';

describe('undo', () => {
  it('runs last first, goes on after a failure, and does not wait for ever', async () => {
    const ran: string[] = [];
    const undo = createUndo(quietLog, 50);
    undo.push('a', async () => ran.push('a'));
    undo.push('hangs', () => new Promise(() => undefined));
    undo.push('fails', async () => Promise.reject(new Error('no')));
    undo.push('d', async () => ran.push('d'));
    await undo.run(new Error('why'));
    assert.deepEqual(ran, ['d', 'a']);
    await undo.run(new Error('again'));
    assert.deepEqual(ran, ['d', 'a']);
  });
});

describe('keyed work', () => {
  it('goes one after the other under one key, whatever fails', async () => {
    const keyed = createKeyed();
    const order: string[] = [];
    const work = (name: string, ms: number) => async () => {
      order.push(`${name} begins`);
      await sleep(ms);
      order.push(`${name} ends`);
      if (name === 'a') throw new Error(name);
    };
    const all = [keyed.serial('k', work('a', 20)), keyed.serial('k', work('b', 1)), keyed.serial('other', work('c', 1))];
    await Promise.allSettled(all);
    assert.deepEqual(
      order.filter((line) => !line.startsWith('c')),
      ['a begins', 'a ends', 'b begins', 'b ends'],
    );
    assert.ok(order.indexOf('c ends') < order.indexOf('a ends'));
  });
  it('is shared while it is under way', async () => {
    const keyed = createKeyed();
    let runs = 0;
    const work = async (): Promise<number> => {
      await sleep(5);
      return ++runs;
    };
    assert.deepEqual(await Promise.all([keyed.shared('k', work), keyed.shared('k', work)]), [1, 1]);
    assert.equal(await keyed.shared('k', work), 2);
  });
});

const network = {
  id: 'n1',
  name: 'abc_default',
  cidr: '10.32.0.0/22',
  vni: 42,
  labels: {},
  options: {},
  internal: false,
} as unknown as NetworkRecord;
const host = (name: string, address: string) =>
  [name, { name, address, gateway: '', labels: {}, availability: 'active', joinedAtMs: 0 }] as const;

describe("a network's plan for a host", () => {
  const hosts = new Map([host('h1', '10.0.0.1'), host('h2', '10.0.0.2'), host('h3', '10.0.0.3')]);
  const gateways = { h2: '10.32.0.2', h1: '10.32.0.1' };
  it('has its own gateway and the others as peers', () => {
    const plan = planFor('h1', { record: network, gateways, reserved: { 'gateway-h2': '10.32.0.2' }, sharesGateway: true }, hosts);
    assert.equal(plan?.own, undefined);
    assert.equal(plan?.gateway, '10.32.0.1');
    assert.deepEqual(plan?.peers, ['10.0.0.2']);
    assert.deepEqual(plan?.reserved, { 'gateway-h2': '10.32.0.2' });
  });
  it('has the gateway of all hosts beside its own address, where its agent can keep the two apart', () => {
    const record = { ...network, gateway: '10.32.3.1', isGatewayShared: true as const };
    const plan = (sharesGateway: boolean) => planFor('h1', { record, gateways, reserved: {}, sharesGateway }, hosts);
    assert.deepEqual([plan(true)?.gateway, plan(true)?.own], ['10.32.3.1', '10.32.0.1']);
    assert.deepEqual([plan(false)?.gateway, plan(false)?.own], ['10.32.0.1', undefined]);
    const small = { record: { ...record, cidr: '10.32.3.0/28' }, gateways: { h1: '169.254.0.1' }, reserved: {}, sharesGateway: true };
    const { own, isGatewayShared } = planFor('h1', small, hosts) ?? {};
    assert.deepEqual([own, isGatewayShared], [undefined, true], 'in a small subnet it takes none');
  });
  it('has the least MTU of all hosts of the cluster, as any of them may get it', () => {
    const [h1, h2] = hosts.values();
    const known = new Map([h1, { ...h2, mtu: 1400 }, { ...h1, name: 'h9', mtu: 1500 }].map((one) => [one?.name ?? '', one as HostRecord]));
    const at = { record: network, gateways, reserved: {}, sharesGateway: true };
    assert.deepEqual([planFor('h1', at, hosts)?.mtu, planFor('h1', at, known)?.mtu], [undefined, 1400]);
  });
  it('has the public keys of the other hosts where it is encrypted, and is none for a host that cannot encrypt', () => {
    const [h1, h2, h3] = hosts.values();
    const ends = [{ slot: 'a' as const, key: 'k', port: 7376, madeAtMs: 0 }];
    const tunnel = { kind: 'wireguard-go' as const, ends };
    const able = new Map([{ ...h1, tunnel }, { ...h2, tunnel }, h3].map((one) => [one?.name ?? '', one as HostRecord]));
    const at = {
      record: { ...network, isEncrypted: true as const },
      gateways: { ...gateways, h3: '10.32.0.3' },
      reserved: {},
      sharesGateway: true,
    };
    const plan = planFor('h1', at, able);
    assert.deepEqual([plan?.encryption, plan?.peers], [{ '10.0.0.2': ends }, ['10.0.0.2', '10.0.0.3']]);
    assert.equal(planFor('h3', at, able), undefined, 'never plain');
    assert.equal(planFor('h1', { ...at, record: network }, able)?.encryption, undefined);
  });
  it('is none for a host without an address in it', () =>
    assert.equal(planFor('h3', { record: network, gateways: { h1: '10.32.0.1' }, reserved: {}, sharesGateway: true }, hosts), undefined));
});

describe('a network request', () => {
  it("is refused in Docker's words", () => {
    assert.throws(() => checkedNetwork({ Name: 'bridge' }), {
      kind: 'forbidden',
      message: /operation is not permitted on predefined bridge network/,
    });
    assert.throws(() => checkedNetwork({ Name: 'x', Driver: 'weave' }), { message: /plugin "weave" not found/ });
    assert.throws(() => checkedNetwork({}), { kind: 'invalid' });
  });
  it('is refused what no network of the cluster can be', () => {
    const refused = (request: object, kind: string, message: string) =>
      assert.throws(() => checkedNetwork({ Name: 'x', ...request }), { kind, message });
    refused({ Driver: 'host' }, 'forbidden', 'only one instance of "host" network is allowed');
    refused({ Driver: 'what' }, 'not-found', 'plugin "what" not found');
    refused({ IPAM: { Driver: 'what' } }, 'not-found', 'plugin "what" not found');
    refused({ Ingress: true }, 'forbidden', 'Ingress network can only be global scope network');
    refused({ ConfigFrom: { Network: 'y' } }, 'not-found', 'configuration network "y" does not exist');
    refused(
      { Options: { 'com.docker.network.driver.mtu': 'x' } },
      'invalid',
      'failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing "x": invalid syntax)',
    );
    assert.equal(checkedNetwork({ Name: 'a b/c' }), 'a b/c', 'an Engine takes any name');
  });
  it('may ask for bridge, overlay or nothing', () => {
    for (const Driver of ['bridge', 'overlay', '', undefined])
      assert.equal(checkedNetwork({ Name: 'x', ...(Driver === undefined ? {} : { Driver }) }), 'x');
  });
});

const event = (Type: string, Action: string, ID: string, Attributes = {}): EngineEvent => ({
  Type,
  Action,
  Actor: { ID, Attributes },
  time: 1,
  timeNano: 1,
  id: ID,
});

const feedOf = (networkOf: FeedDeps['networkOf'], networkNamed: FeedDeps['networkNamed'] = () => undefined) =>
  createFeed({ now: () => 0, log: pino({ level: 'silent' }), networkOf, networkNamed });

describe('the event feed', () => {
  it('hides our labels, names the host, and shows networks under their cluster id', () => {
    const feed = feedOf((_host, id) => (id === 'engine1' ? { id: 'cluster1' } : undefined));
    feed.take('h1', event('container', 'start', 'c1', { image: 'i', 'arpanet.record': '{}' }));
    feed.take('h1', event('network', 'connect', 'engine1', { container: 'c1' }));
    feed.take('h1', event('network', 'connect', 'foreign'));
    const [start, connect, foreign] = feed.recent().map((one) => one.event);
    assert.deepEqual(start?.Actor.Attributes, { image: 'i', 'node.name': 'h1' });
    assert.deepEqual([connect?.Actor.ID, connect?.id], ['cluster1', 'cluster1']);
    assert.equal(foreign?.Actor.ID, 'foreign');
  });
  it('shows what every host has of its own, and what stands for it, under one id', () => {
    const feed = feedOf((_host, id) => (id === 'shared' ? { id: predefined, name: 'bridge' } : undefined));
    const predefined = predefinedNetworks.get('bridge') ?? '';
    feed.take('h1', event('network', 'connect', 'shared', { name: 'default_default' }));
    feed.take('h1', event('network', 'connect', 'of h1', { name: 'bridge' }));
    for (const one of feed.recent()) assert.deepEqual([one.event.Actor.ID, one.event.Actor.Attributes['name']], [predefined, 'bridge']);
    assert.equal(feed.recent().length, 2);
  });
  it('reports the create of a cluster network once, not once for each host', () => {
    const known = new Map([['engine1', { id: 'cluster1', name: 'x' }]]);
    const feed = feedOf((_host, id) => known.get(id));
    feed.own('network', 'create', 'cluster1', { name: 'x' });
    feed.take('h1', event('network', 'create', 'engine1'));
    known.clear();
    feed.take('h1', event('network', 'destroy', 'engine1'));
    assert.deepEqual(
      feed.recent().map((one) => one.event.Actor.ID),
      ['cluster1'],
    );
  });
  it('knows a network by its name while its host builds it, and by its Engine’s id when another has the name', () => {
    const named = new Map([['x', { id: 'cluster1', name: 'x' }]]);
    const feed = feedOf(
      () => undefined,
      (name) => named.get(name),
    );
    const create = event('network', 'create', 'engine1', { name: 'x' });
    feed.take('h1', create);
    assert.deepEqual(feed.recent(), []);
    named.set('x', { id: 'cluster2', name: 'x' });
    const joined = (engine: string) => feed.shown('h1', event('network', 'connect', engine, { name: 'x' }))?.Actor.ID;
    assert.deepEqual([joined('engine1'), joined('engine2')], ['cluster1', 'cluster2']);
    assert.equal(feed.shown('h1', create), undefined, 'nor is it seen in a replay');
    assert.equal(feed.shown('h1', event('container', 'create', 'engine1', { name: 'x' }))?.Actor.ID, 'engine1');
  });
  it('leaves unseen as many events of a volume as were announced, in replays too', () => {
    const feed = feedOf(() => undefined);
    const created = (timeNano: number) => ({ ...event('volume', 'create', 'data'), timeNano });
    feed.hideVolume('create', 'data');
    assert.equal(feed.shown('h1', created(1)), undefined, 'its Engine remembers it, its agent has yet to tell');
    feed.take('h1', created(1));
    feed.take('h1', created(2));
    assert.deepEqual(
      feed.recent().map((one) => one.event.timeNano),
      [2],
    );
    assert.deepEqual([feed.shown('h1', created(1)), feed.shown('h1', created(2))?.timeNano], [undefined, 2]);
  });
  it('keeps the newest for replays, and lets listeners go', () => {
    const feed = feedOf(() => undefined);
    const heard: string[] = [];
    const stop = new AbortController();
    feed.listen((one) => heard.push(one.event.Actor.ID), stop.signal);
    for (let i = 0; i < 3_000; i++) {
      if (i === 2) stop.abort();
      feed.take('h1', event('container', 'start', String(i)));
    }
    assert.deepEqual(heard, ['0', '1']);
    assert.equal(feed.recent().length, 2_000);
    assert.equal(feed.recent().at(-1)?.event.Actor.ID, '2999');
  });
});

describe('names for a host', () => {
  const instance = (id: string, deployment: string, on: string, network = deployment) =>
    ({ id, container: id, deployment, host: on, addresses: { [network]: '10.0.0.9' } }) as unknown as NamedInstance;
  it('are those of the deployments that it hosts', () => {
    const all = [instance('1', 'abc', 'h1'), instance('2', 'abc', 'h2'), instance('3', 'xyz', 'h2')];
    assert.deepEqual(
      instancesFor('h1', all).map(({ id }) => id),
      ['1', '2'],
    );
    assert.deepEqual(instancesFor('h3', all), []);
    const joined = [...all, instance('4', 'guest', 'h3', 'abc')];
    assert.deepEqual(
      instancesFor('h3', joined).map(({ id }) => id),
      ['1', '2', '4'],
      'and of those that share a network with one there',
    );
  });
});

describe("adoption of a host's containers", () => {
  const container = (id: string, name: string, status: string, ip?: string, created = ''): ContainerView =>
    ({
      id,
      name,
      host: 'h1',
      facts: {
        inspect: {
          Name: `/${name}`,
          Created: created,
          State: { Status: status },
          NetworkSettings: { Networks: ip === undefined ? {} : { abc: { IPAMConfig: { IPv4Address: ip } } } },
        },
      },
    }) as unknown as ContainerView;
  const record = (name: string, id?: string, ip = '10.0.0.9') =>
    ({ name, id, host: 'h1', addresses: { n1: ip }, nonce: 'n' }) as unknown as ContainerRecord;
  /** Those on a network have labels of the create `nonce`, and all is proven of them. */
  const proven =
    (nonce: string) =>
    ({ facts }: ContainerView): LabelClaim | undefined =>
      facts.inspect.NetworkSettings.Networks?.['abc'] === undefined ? undefined : ({ labelled: { name: 'a', nonce } } as LabelClaim);
  const steps = (records: ContainerRecord[], containers: ContainerView[], creating: string[] = [], claimOf = proven('n')) =>
    adoptions(records, containers, new Set(creating), claimOf).map((step) => step.do);

  it('does nothing where both agree', () => assert.deepEqual(steps([record('a', '1')], [container('1', 'a', 'running', '10.0.0.9')]), []));
  it('leaves strangers alone', () => assert.deepEqual(steps([], [container('1', 'a', 'created')]), []));
  it('forgets a record whose container is gone', () => assert.deepEqual(steps([record('a', '1')], []), ['forget']));
  it('joins a running container to the network that a hand took it off', () =>
    assert.deepEqual(steps([record('a', '1', '10.0.0.8')], [container('1', 'a', 'running', '10.0.0.9')]), ['rejoin']));
  it('leaves a stopped one off it', () =>
    assert.deepEqual(steps([record('a', '1', '10.0.0.8')], [container('1', 'a', 'exited', '10.0.0.9')]), []));
  it('binds a create that came to its end', () =>
    assert.deepEqual(steps([record('a')], [container('1', 'a', 'created', '10.0.0.9')]), ['bind']));
  it('undoes a create cut before its networks were joined, and removes what it made', () =>
    assert.deepEqual(steps([record('a', undefined, '10.0.0.8')], [container('1', 'a', 'created', '10.0.0.9')]), ['undo', 'remove']));
  it('undoes a create that made nothing', () => assert.deepEqual(steps([record('a')], []), ['undo']));
  it('leaves alone what is being created right now', () =>
    assert.deepEqual(steps([record('a')], [container('1', 'a', 'created', '10.0.0.9')], ['a']), []));
  it("removes a container of ours that was never started and is nobody's", () =>
    assert.deepEqual(steps([], [container('1', 'a', 'created', '10.0.0.9')]), ['remove']));
  it('recreates the record of a running container of the cluster', () =>
    assert.deepEqual(steps([], [container('1', 'a', 'running', '10.0.0.9')]), ['rebuild']));
  it('leaves a container alone whose labels prove nothing, running or not', () => {
    for (const status of ['running', 'created'])
      assert.deepEqual(
        steps([], [container('1', 'a', status, '10.0.0.9')], [], () => undefined),
        [],
      );
  });
  it('binds no container of another create', () =>
    assert.deepEqual(steps([record('a')], [container('1', 'a', 'running', '10.0.0.9')], [], proven('other')), ['undo', 'rebuild']));
  it('leaves a container alone that has copied the labels of one with a record', () => {
    for (const status of ['running', 'created'])
      assert.deepEqual(
        steps([record('a', '1')], [container('1', 'a', 'running', '10.0.0.9'), container('2', 'b', status, '10.0.0.9')]),
        [],
      );
  });
  it('recreates the record of one that never started and was renamed: its create had come to its end', () =>
    assert.deepEqual(steps([], [container('1', 'b', 'created', '10.0.0.9')]), ['rebuild']));
  it('of two without a record that have the same labels, takes the older one', () => {
    const found = adoptions(
      [],
      [container('2', 'b', 'running', '10.0.0.9', '2026-01-02'), container('1', 'a', 'running', '10.0.0.9', '2026-01-01')],
      new Set(),
      proven('n'),
    );
    assert.deepEqual(
      found.map((step) => step.do === 'rebuild' && step.container.id),
      ['1'],
    );
  });
  it('finishes a rename', () =>
    assert.deepEqual(steps([record('a', '1'), record('b')], [container('1', 'b', 'running', '10.0.0.9')]), ['rename']));
});

describe('slots', () => {
  it('run so many at a time for each key, in turn, and go on after a failure', async () => {
    const inTurn = createSlots(2);
    const begun: string[] = [];
    const ends = new Map<string, (error?: Error) => void>();
    const run = (key: string, name: string) =>
      inTurn(key, () => {
        begun.push(name);
        return new Promise<void>((resolve, reject) => ends.set(name, (error) => (error === undefined ? resolve() : reject(error))));
      });
    const runs = [run('h1', 'a'), run('h1', 'b'), run('h1', 'c'), run('h1', 'd'), run('h2', 'e')];
    await new Promise(setImmediate);
    assert.deepEqual(begun, ['a', 'b', 'e']);
    ends.get('b')?.(new Error('no'));
    await assert.rejects(runs[1] ?? Promise.resolve(), /no/);
    await new Promise(setImmediate);
    assert.deepEqual(begun, ['a', 'b', 'e', 'c']);
    ends.get('a')?.();
    await runs[0];
    await new Promise(setImmediate);
    for (const name of ['c', 'd', 'e']) ends.get(name)?.();
    await Promise.all([runs[2], runs[3], runs[4]]);
    assert.deepEqual(begun, ['a', 'b', 'e', 'c', 'd']);
  });
});
