import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { transformInspect } from '../../../src/docker-api/containers/show.ts';
import { createReads } from '../../../src/docker-api/reads/index.ts';
import type { ContainerInspect, ContainerView, CreateRequest, EndpointSettings, HostConfig } from '../../../src/model/index.ts';
import { literalCluster, literalContainer, literalHost } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

const id = 'c1'.repeat(32);
const network = 'f'.repeat(64);
const bridge = '9'.repeat(64);
const networks = new Map([
  ['abc_default', { own: network, id: network, name: 'abc_default' }],
  ['bridge', { own: bridge, id: bridge, name: 'bridge' }],
]);

/** What the Engine holds after our rewrite of the request. */
function view(request: CreateRequest, endpoint: EndpointSettings = {}, hostConfig: HostConfig = {}): ContainerView {
  const record = {
    ...literalRecord('abc_web_1', {
      request,
      aliases: { [network]: ['web', 'w'] },
      links: [{ target: 'abc_redis_1', alias: 'redis' }],
    }),
    id,
  };
  return literalContainer({
    id,
    name: 'abc_web_1',
    record,
    labels: { mine: '1', 'arpanet.record': '{}' },
    inspect: {
      HostConfig: {
        NetworkMode: 'abc_default',
        Dns: ['10.32.0.1', '1.1.1.1'],
        DnsSearch: ['abc.service.consul'],
        DnsOptions: ['ndots:1'],
        Links: null,
        ExtraHosts: null,
        VolumesFrom: null,
        Memory: 7,
        ...hostConfig,
      },
      NetworkSettings: {
        IPAddress: '',
        Networks: {
          abc_default: {
            IPAMConfig: { IPv4Address: '10.32.0.7' },
            Links: null,
            Aliases: [id.slice(0, 12)],
            NetworkID: 'engine-own',
            EndpointID: 'e1',
            Gateway: '10.32.0.1',
            IPAddress: '10.32.0.7',
            IPPrefixLen: 22,
            MacAddress: '02:42',
            ...endpoint,
          },
        },
      },
    },
  });
}

function shown(one: ContainerView, apiVersion = '1.41', hostApi = '1.41'): ContainerInspect {
  return transformInspect(one.facts.inspect, one, networks, literalHost('h1', { apiVersion: hostApi }), apiVersion);
}

describe('an inspect', () => {
  it('shows the host configuration that the user sent', () => {
    const { HostConfig: config } = shown(view({ HostConfig: { NetworkMode: 'abc_default', Dns: ['1.1.1.1'], DnsSearch: ['x.org'] } }));
    assert.deepEqual(config, {
      NetworkMode: 'abc_default',
      Dns: ['1.1.1.1'],
      DnsSearch: ['x.org'],
      DnsOptions: null,
      Links: null,
      ExtraHosts: null,
      VolumesFrom: null,
      Memory: 7,
    });
  });

  it('shows an unset network mode and old links as an Engine does, and the address at the top level where old clients read it', () => {
    const one = view({ HostConfig: { Links: ['abc_redis_1:redis'] } });
    const old = shown(one);
    assert.equal(old.HostConfig.NetworkMode, 'default');
    assert.deepEqual(old.HostConfig.Links, ['/abc_redis_1:/abc_web_1/redis']);
    assert.equal(old.NetworkSettings['IPAddress'], '10.32.0.7');
    assert.equal(shown(one, '1.45', '1.45').HostConfig.NetworkMode, 'bridge');
    assert.equal(shown(one, '1.52', '1.52').NetworkSettings['IPAddress'], '');
    assert.equal(shown(view({ HostConfig: { NetworkMode: 'abc_default' } })).NetworkSettings['IPAddress'], '');
    const { record } = one;
    assert.ok(record);
    assert.equal(shown({ ...one, record: { ...record, networkModeSent: 'bridge' } }).HostConfig.NetworkMode, 'bridge');
  });

  it('shows ports whose numbers were chosen as they were sent', () => {
    const sent = {
      '80/tcp': [{ HostPort: '9090-9092' }],
      '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
      '82/tcp': [{ HostPort: '7000' }],
    };
    const made = {
      '80/tcp': [{ HostIp: '', HostPort: '9091' }],
      '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '20001' }],
      '82/tcp': [{ HostIp: '', HostPort: '7000' }],
      '443/tcp': [{ HostIp: '', HostPort: '20002' }],
    };
    const one = view({ HostConfig: { PortBindings: sent, PublishAllPorts: true } }, {}, { PortBindings: made });
    const { record } = one;
    assert.ok(record);
    const ports = { '80/tcp': ['9091'], '81/tcp': ['20001'], '82/tcp': ['7000'], '443/tcp': ['20002'] };
    assert.deepEqual(shown({ ...one, record: { ...record, ports } }).HostConfig.PortBindings, {
      '80/tcp': [{ HostIp: '', HostPort: '9090-9092' }],
      '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
      '82/tcp': [{ HostIp: '', HostPort: '7000' }],
    });
    assert.deepEqual(shown(one).HostConfig.PortBindings, made, 'where nothing was chosen, as its Engine says');
  });

  it('leaves alone what was not rewritten: native networks and modes that the Engine resolved', () => {
    const bridge = shown(view({ HostConfig: { NetworkMode: 'bridge' } }, {}, { Dns: ['9.9.9.9'], Links: ['/a:/b/c'] }));
    assert.deepEqual([bridge.HostConfig.Dns, bridge.HostConfig.Links], [['9.9.9.9'], ['/a:/b/c']]);
    const joined = shown(
      view(
        { HostConfig: { NetworkMode: 'container:x', VolumesFrom: ['x:ro'] } },
        {},
        { NetworkMode: 'container:0123', VolumesFrom: ['0123:ro'] },
      ),
    );
    assert.equal(joined.HostConfig.NetworkMode, 'container:0123');
    assert.deepEqual(joined.HostConfig.VolumesFrom, ['x:ro']);
  });

  it('shows aliases and links of the user with what each Engine adds in each API version', () => {
    const request = {
      HostConfig: { NetworkMode: 'abc_default' },
      NetworkingConfig: { EndpointsConfig: { abc_default: { Links: ['a:b'] } } },
    };
    const endpoint = (one: ContainerView, api: string, hostApi: string) =>
      shown(one, api, hostApi).NetworkSettings.Networks?.['abc_default'];
    const old = endpoint(view(request), '1.41', '1.41');
    assert.deepEqual(old?.Aliases, ['web', 'w', id.slice(0, 12)]);
    assert.deepEqual(old?.Links, ['a:b']);
    const fresh = view(request, { Aliases: null, DNSNames: ['abc_web_1', id.slice(0, 12)] });
    assert.deepEqual(endpoint(fresh, '1.45', '1.45')?.Aliases, ['web', 'w']);
    assert.deepEqual(endpoint(fresh, '1.44', '1.45')?.Aliases, ['web', 'w', id.slice(0, 12)]);
    assert.deepEqual(endpoint(fresh, '1.45', '1.45')?.DNSNames, ['abc_web_1', 'web', 'w', id.slice(0, 12)]);
  });

  it('shows the driver options of an endpoint that the user asked for, and not the MAC in them', () => {
    const of = (one: ContainerView) => shown(one).NetworkSettings.Networks?.['abc_default']?.DriverOpts;
    const mac = { 'arpanet.mac': 'x' };
    const asked = (DriverOpts: Record<string, string> | null) => ({
      NetworkingConfig: { EndpointsConfig: { abc_default: { DriverOpts } } },
    });
    assert.equal(of(view({}, { DriverOpts: mac })), null);
    assert.deepEqual(of(view(asked({}), { DriverOpts: mac })), {});
    assert.deepEqual(of(view(asked({ a: 'b' }), { DriverOpts: { ...mac, a: 'b' } })), { a: 'b' });
    assert.deepEqual(of(view(asked({ a: 'b' }), { DriverOpts: { a: 'b' } })), { a: 'b' });
    assert.equal(of(view({})), undefined);
  });

  it("shows the cluster's network id and only an address that the user asked for as asked for", () => {
    const of = (one: ContainerView) => shown(one).NetworkSettings.Networks?.['abc_default'];
    assert.equal(of(view({}))?.NetworkID, network);
    assert.equal(of(view({}))?.IPAMConfig, null);
    assert.equal(of(view({}))?.IPAddress, '10.32.0.7');
    const asked = { IPAMConfig: { IPv4Address: '10.32.0.7' } };
    for (const key of ['abc_default', network, network.slice(0, 12)]) {
      assert.deepEqual(of(view({ NetworkingConfig: { EndpointsConfig: { [key]: asked } } }))?.IPAMConfig, asked.IPAMConfig);
    }
    assert.equal(of(view({}, { NetworkID: '' }))?.NetworkID, '');
  });

  it('shows the network of those who named none and are of no project as the bridge that it stands for', () => {
    const one = view({ HostConfig: { NetworkMode: 'default' } }, { DNSNames: ['abc_web_1'] });
    const shared = new Map([...networks, ['abc_default', { own: network, id: bridge, name: 'bridge' }]]);
    const { NetworkSettings } = transformInspect(one.facts.inspect, { ...one, record: literalRecord('x') }, shared, undefined, '1.45');
    assert.deepEqual(NetworkSettings.Networks, {
      bridge: {
        IPAMConfig: null,
        Links: null,
        Aliases: null,
        DNSNames: null,
        NetworkID: bridge,
        EndpointID: 'e1',
        Gateway: '10.32.0.1',
        IPAddress: '10.32.0.7',
        IPPrefixLen: 22,
        MacAddress: '02:42',
      },
    });
    assert.equal(NetworkSettings['IPAddress'], '10.32.0.7');
  });

  it('names the host, and hides the labels of our own books', () => {
    const one = shown(view({ Image: 'app:1' }));
    assert.deepEqual(one.Config.Labels, { mine: '1' });
    assert.equal(one.Config.Image, 'app:1');
    assert.deepEqual(one['Node'], {
      ID: 'h1',
      IP: '10.0.0.1',
      Addr: '10.0.0.1:4040',
      Name: 'h1',
      Cpus: 4,
      Memory: 2 ** 30,
      Labels: { disk: 'ssd' },
    });
  });

  it('shows a container that was made behind our back as its Engine does', () => {
    const foreign = literalContainer({ id, name: 'x', networks: { other: { Aliases: ['y'], NetworkID: 'engine-own' } } });
    const one = shown(foreign);
    assert.deepEqual(one.NetworkSettings.Networks, { other: { Aliases: ['y'], NetworkID: 'engine-own' } });
    assert.deepEqual(one.HostConfig, { NetworkMode: 'default' });
  });

  it('drops the image manifest before 1.48, which brought it', () => {
    const one = literalContainer({ id, name: 'x', inspect: { ImageManifestDescriptor: { digest: 'd' } } });
    assert.ok(!('ImageManifestDescriptor' in shown(one, '1.47')));
    assert.ok('ImageManifestDescriptor' in shown(one, '1.48'));
  });
});

describe('GET /containers/{id}/json', () => {
  const ask = async (one: ContainerView, { search = '', execs = false, settled = false } = {}) => {
    let isSettled = !settled;
    const cluster = literalCluster({
      hosts: { list: () => [literalHost('h1', { state: one.hostState, why: 'no heartbeat for 10 s' })] },
      containers: { list: () => [one] },
      view: { settled: () => (isSettled ? undefined : Promise.resolve().then(() => void (isSettled = true))) },
    });
    const reads = createReads(cluster, { now: () => 0, version: '0.1.0' });
    if (execs) reads.execSeen(one.id);
    const answer = await reads.containerInspect(new URLSearchParams(search), { id: one.name }, '1.41');
    return answer === undefined ? undefined : (JSON.parse(answer.body.toString()) as ContainerInspect);
  };

  it('is answered from the view', async () => {
    assert.equal((await ask(literalContainer({ id, name: 'x' })))?.Name, '/x');
    assert.equal((await ask(literalContainer({ id, name: 'x' }), { settled: true }))?.Name, '/x');
  });

  it('is left to the Engine when only it knows: sizes, a health log, execs', async () => {
    const plain = literalContainer({ id, name: 'x' });
    assert.equal(await ask(plain, { search: 'size=1' }), undefined);
    assert.equal(await ask(plain, { execs: true }), undefined);
    assert.equal(await ask(literalContainer({ id, name: 'x', state: { Health: { Status: 'healthy' } } })), undefined);
    assert.equal(await ask(literalContainer({ id, name: 'x', inspect: { ExecIDs: ['1'] } })), undefined);
  });

  it('is answered from the view while the host is down, and says so', async () => {
    const far = await ask(literalContainer({ id, name: 'x', hostState: 'down', state: { Health: { Status: 'healthy' } } }));
    assert.equal(far?.State['Error'], 'host h1 is down: no heartbeat for 10 s');
  });

  it('is refused for an unknown container', async () => {
    const reads = createReads(literalCluster({}), { now: () => 0, version: '0.1.0' });
    await assert.rejects(async () => reads.containerInspect(new URLSearchParams(), { id: 'nope' }, '1.41'), {
      kind: 'not-found',
      message: 'No such container: nope',
    });
  });
});
