import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerRecord, ContainerView, NamedInstance } from '../../../src/model/index.ts';
import { instancesOf } from '../../../src/registrar/index.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { literalNetwork } from '../../support/fakes/literal-cluster.ts';

function named(
  records: readonly ContainerRecord[],
  containers: readonly ContainerView[],
  more: { withdrawn?: readonly string[]; joining?: readonly string[]; cutOff?: readonly string[] } = {},
): readonly NamedInstance[] {
  return instancesOf({
    records,
    containers,
    withdrawn: new Set(more.withdrawn),
    joining: new Set(more.joining),
    cutOff: new Set(more.cutOff),
  });
}

const brief = (instances: readonly NamedInstance[]) => instances.map(({ id, host, ready }) => `${id} ${host}${ready ? '' : ' not ready'}`);

describe('an instance', () => {
  it('is made from its record, its view and its exposed ports', () => {
    const record = literalRecord('abc_pricing_2', {
      id: 'f'.repeat(64),
      addresses: { n2: '10.32.4.9', n1: '10.32.0.64' },
      aliases: { n2: ['price'] },
    });
    const view = literalView(record, { host: 'h2', ports: ['80/tcp', '53/udp', '53/tcp', 'nonsense'] });
    assert.deepEqual(named([record], [view]), [
      {
        id: '2.pricing.abc',
        container: 'f'.repeat(64),
        name: 'abc_pricing_2',
        deployment: 'abc',
        service: 'pricing',
        number: 2,
        host: 'h2',
        addresses: { n2: '10.32.4.9', n1: '10.32.0.64' },
        aliases: { n2: ['price'] },
        links: {},
        ports: [
          { port: 53, protocol: 'tcp' },
          { port: 53, protocol: 'udp' },
          { port: 80, protocol: 'tcp' },
        ],
        state: 'running',
        ready: true,
      },
    ]);
  });

  it('is out on a host that nothing reaches now, and in again with the host', () => {
    const record = literalRecord('abc_web_1', { id: 'f'.repeat(64), addresses: { n1: '10.32.0.64' } });
    const view = literalView(record, { host: 'h2' });
    const states = (...cutOff: readonly string[]) => named([record], [view], { cutOff }).map(({ state, ready }) => `${state} ${ready}`);
    assert.deepEqual([states('h2'), states('h1')], [['out false'], ['running true']]);
    const unknown = (views: readonly ContainerView[], ...cutOff: readonly string[]) =>
      named([{ ...record, host: 'h2' }], views, { cutOff, joining: ['h2'] }).map(({ state }) => state);
    assert.deepEqual([unknown([view], 'h2'), unknown([], 'h2'), unknown([])], [['out'], ['out'], ['running']], 'whatever its state');
  });

  it('has the IPv6 address that goes with its lease, or that its user asked for, where its network has IPv6', () => {
    const six = literalNetwork('n1', 'six', { ipv6: { cidr: 'fd00::/64', isEnabled: true, config: { Subnet: 'fd00::/64' } } });
    const networkOf = (id: string) => (id === 'n1' ? six : literalNetwork(id, 'four', {}));
    const plain = literalRecord('abc_web_1', { addresses: { n1: '10.32.0.64', n2: '10.32.4.9' } });
    const of = (record: ContainerRecord) =>
      instancesOf({ records: [record], containers: [literalView(record)], withdrawn: new Set(), joining: new Set(), networkOf })[0]
        ?.addresses6;
    assert.deepEqual(of(plain), { n1: 'fd00::a20:40' });
    const endpoint = { IPAMConfig: { IPv6Address: 'fd00:0::77' } };
    assert.deepEqual(of({ ...plain, request: { ...plain.request, NetworkingConfig: { EndpointsConfig: { six: endpoint } } } }), {
      n1: 'fd00::77',
    });
    assert.deepEqual(of({ ...plain, connected: { n1: endpoint } }), { n1: 'fd00::77' });
    assert.equal(of(literalRecord('abc_web_1', { addresses: { n2: '10.32.4.9' } })), undefined);
  });

  it('has ports that every host answers for at its first address that its host passes packets on to', () => {
    const addresses = { n1: '10.32.0.5', n2: '10.32.4.5' };
    const label = { 'arpanet.ingress': '8080:80' };
    const record = literalRecord('abc_web_1', { addresses, request: { Labels: label } });
    const networkOf = (id: string) => ({ ...literalNetwork(id, id, {}), internal: id === 'n1' });
    const input = { records: [record], containers: [literalView(record)], withdrawn: new Set<string>(), joining: new Set<string>() };
    const ports = [{ port: 8080, target: 80, protocol: 'tcp' }];
    assert.deepEqual(instancesOf(input)[0]?.ingress, { address: '10.32.0.5', ports });
    assert.deepEqual(instancesOf({ ...input, networkOf })[0]?.ingress, { address: '10.32.4.5', ports });
    const asking = { ...record, request: { ...record.request, Labels: { ...label, 'arpanet.proxy-protocol': 'true' } } };
    assert.deepEqual(instancesOf({ ...input, records: [asking] })[0]?.ingress, { address: '10.32.0.5', ports, isProxied: true });
  });

  it('is known by its service in swarm mode, if it is of a stack or of docker service create', () => {
    const of = (Labels: Readonly<Record<string, string>>, over: Partial<ContainerRecord> = {}) => {
      const plain = literalRecord('abc_web_1', over);
      const record = { ...plain, request: { ...plain.request, Labels } };
      return named([record], [literalView(record)])[0]?.swarmService;
    };
    assert.equal(of({ 'com.docker.stack.namespace': 'abc' }), 'abc_web');
    const single = { 'arpanet.service': 'pricing', 'com.docker.compose.container-number': '1' };
    assert.equal(of(single, { deployment: 'default' }), 'web');
    assert.equal(of({ 'com.docker.compose.service': 'pricing', 'com.docker.compose.container-number': '1' }), undefined);
  });

  it('runs, is paused or is out; its host name and its label are told', () => {
    const states: readonly (readonly [object, string])[] = [
      [{}, 'running'],
      [{ Health: { Status: 'starting' } }, 'running'],
      [{ Paused: true }, 'paused'],
      [{ Restarting: true }, 'out'],
      [{ Running: false }, 'out'],
      [{ Dead: true }, 'out'],
    ];
    const plain = literalRecord('abc_web_1');
    for (const [state, expected] of states)
      assert.equal(named([plain], [literalView(plain, { state })])[0]?.state, expected, JSON.stringify(state));
    const servers = { ...plain, request: { ...plain.request, HostConfig: { Dns: ['10.0.0.53'] } } };
    assert.equal(named([servers], [literalView(servers)])[0]?.hasServers, true);
    // an Engine's resolver asks three, and the agent is the first
    const serversOf = (...Dns: string[]) => {
      const own = { ...plain, request: { ...plain.request, HostConfig: { Dns } } };
      return named([own], [literalView(own)])[0]?.servers;
    };
    const three = ['10.0.0.53', 'fd00::53', '10.0.0.54'];
    assert.deepEqual([serversOf(...three.slice(1)), serversOf(...three)], [undefined, three]);
    assert.equal(serversOf('127.0.0.1', ...three), undefined, 'its own loopback is asked from inside');
    const withLabel = (value: string) =>
      literalRecord('abc_web_1', { request: { ...plain.request, Hostname: 'gw', Labels: { 'arpanet.dns': value } } });
    const [starting] = named([withLabel('running')], [literalView(plain, { state: { Health: { Status: 'starting' } } })]);
    assert.deepEqual([starting?.ready, starting?.strict, starting?.hostname], [true, undefined, 'gw']);
    const [strict] = named([withLabel('healthy')], [literalView(plain, { state: { Health: { Status: 'starting' } } })]);
    assert.deepEqual([strict?.ready, strict?.strict], [false, true]);
  });

  it('answers when it runs, and is healthy if it has a health check', () => {
    const ready: readonly (readonly [object, boolean])[] = [
      [{}, true],
      [{ Running: false }, false],
      [{ Paused: true }, false],
      [{ Restarting: true }, false],
      [{ Dead: true }, false],
      [{ Health: null }, true],
      [{ Health: { Status: 'none' } }, true],
      [{ Health: { Status: 'starting' } }, false],
      [{ Health: { Status: 'unhealthy' } }, false],
      [{ Health: { Status: 'healthy' } }, true],
    ];
    const record = literalRecord('abc_web_1');
    for (const [state, expected] of ready) {
      const [one] = named([record], [literalView(record, { state })]);
      assert.equal(one?.ready, expected, JSON.stringify(state));
    }
  });

  it('is not ready when it is withdrawn or its host is down, but can still ask', () => {
    const [a, b, c] = [literalRecord('abc_web_1'), literalRecord('abc_web_2'), literalRecord('abc_web_3')];
    const views = [literalView(a), literalView(b, { hostState: 'down' }), literalView(c)];
    assert.deepEqual(brief(named([a, b, c], views, { withdrawn: [c.id ?? ''] })), [
      '1.web.abc h1',
      '2.web.abc h1 not ready',
      '3.web.abc h1 not ready',
    ]);
  });

  it('does not exist while its create is running, when it is removed, when it has no record, or when it is the old container of a migrated one', () => {
    const { id: _, ...underWay } = literalRecord('abc_web_1');
    const gone = literalRecord('abc_web_2');
    const moved = literalRecord('abc_web_3', { host: 'h2' });
    const stranger = literalView(literalRecord('abc_web_4'));
    const twin = literalView({ ...moved, id: 'e'.repeat(64) }, { host: 'h1' });
    assert.deepEqual(brief(named([underWay, gone, moved], [stranger, twin, literalView(moved, { host: 'h2' })])), ['3.web.abc h2']);
  });

  it('on a host not heard of since the election is taken to be up, unless it is being stopped', () => {
    const [a, b] = [literalRecord('abc_web_1'), literalRecord('abc_web_2')];
    assert.deepEqual(brief(named([a, b], [], { joining: ['h1'], withdrawn: [b.id ?? ''] })), ['1.web.abc h1', '2.web.abc h1 not ready']);
    assert.deepEqual(brief(named([a], [literalView(a, { running: false })], { joining: ['h1'] })), ['1.web.abc h1 not ready']);
  });
});

describe('while compose recreates an instance', () => {
  const old = literalRecord('0123456789ab_abc_web_1', { id: 'a'.repeat(64), service: 'web', number: 1, createdAtMs: 1 });
  const fresh = literalRecord('abc_web_1', { id: 'b'.repeat(64), createdAtMs: 2 });

  it('the one that runs has the instance’s id', () => {
    assert.deepEqual(brief(named([old, fresh], [literalView(old), literalView(fresh, { running: false })])), [
      '1.web.abc h1',
      `1.web.abc.${'b'.repeat(12)} h1 not ready`,
    ]);
  });

  it('the newer one has it when both run, and the older one is still found', () => {
    assert.deepEqual(brief(named([old, fresh], [literalView(old), literalView(fresh)])), [
      '1.web.abc h1',
      `1.web.abc.${'a'.repeat(12)} h1`,
    ]);
  });
});

describe('a link', () => {
  const redis = literalRecord('abc_redis_1', { id: 'c'.repeat(64) });
  const outside = literalRecord('xyz_redis_1', { deployment: 'xyz' });
  const linked = (...links: readonly string[]) => {
    const web = literalRecord('abc_web_1', {
      links: links.map((link) => ({ target: link.split(':')[0] ?? '', alias: link.split(':')[1] ?? '' })),
    });
    const all = [web, redis, outside];
    return named(
      all,
      all.map((record) => literalView(record)),
    ).find(({ service }) => service === 'web')?.links;
  };

  it('to a container’s own name or number means that container', () => {
    assert.deepEqual(linked('abc_redis_1:abc_redis_1', 'abc_redis_1:redis_1', 'abc_redis_1:redis-1'), {
      abc_redis_1: 'abc_redis_1',
      redis_1: 'abc_redis_1',
      'redis-1': 'abc_redis_1',
    });
  });

  it('under any other alias means the whole service, so that all replicas are found', () => {
    assert.deepEqual(linked('abc_redis_1:redis', 'abc_redis_1:db', `${'c'.repeat(12)}:cache`), {
      redis: 'redis',
      db: 'redis',
      cache: 'redis',
    });
  });

  it('whose target is gone means the service that the alias is called after, else nothing that is there', () => {
    assert.deepEqual(linked('abc_redis_7:redis', 'abc_redis_7:db'), { redis: 'redis', db: 'abc_redis_7' });
  });

  it('of a network holds while both are on that, wherever else they meet; one without a network, wherever they are', () => {
    const on = (...networks: readonly string[]) => Object.fromEntries(networks.map((network, i) => [network, `10.32.${i}.64`]));
    const linksOf = (own: readonly string[], target: readonly string[], network?: string) => {
      const link = { target: 'abc_db_1', alias: 'store', ...(network === undefined ? {} : { network }) };
      const all = [
        literalRecord('abc_web_1', { addresses: on(...own), links: [link] }),
        literalRecord('abc_db_1', { addresses: on(...target) }),
      ];
      return named(
        all,
        all.map((record) => literalView(record)),
      ).find(({ service }) => service === 'web')?.links;
    };
    assert.deepEqual(linksOf(['n1', 'n2'], ['n1', 'n2'], 'n1'), { store: 'db' });
    assert.deepEqual(linksOf(['n1', 'n2'], ['n2'], 'n1'), {});
    assert.deepEqual(linksOf(['n2'], ['n1', 'n2'], 'n1'), {});
    assert.deepEqual(linksOf(['n2'], ['n2']), { store: 'db' });
  });

  it('into another deployment means the container itself', () => {
    assert.deepEqual(linked('xyz_redis_1:theirs'), { theirs: 'xyz_redis_1' });
  });
});
