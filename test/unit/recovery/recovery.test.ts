/** Backups and recoveries, on literal data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ContainerInspect,
  type ContainerRecord,
  type RecoveryFacts,
  type LeaseRecord,
  type NetworkPlan,
  type NetworkRecord,
  STORE_SCHEMA,
} from '../../../src/model/index.ts';
import { backupText, planRecovery, readBackup, recoveryText } from '../../../src/recovery/index.ts';
import type { FoundHost } from '../../../src/recovery/recover-plan.ts';
import { packRequest, requestFromLabels } from '../../../src/scheduler/create/packed-request.ts';
import { labelMac } from '../../../src/scheduler/create/label-mac.ts';
import { judgeLabels } from '../../../src/scheduler/index.ts';

const deps = {
  nowMs: 1_000,
  token: 'secret',
  newClusterId: 'fresh',
  epochsAbove: 1_000,
  labelKey: undefined,
  isTrusting: true,
  judge: judgeLabels,
};
const request = { Image: 'busybox', Cmd: ['sleep'], Labels: { a: 'b' } };

/** A container of network n1 at `ip`; `joined`: at this address in n2, since after its create. */
function container(
  name: string,
  ip: string,
  more: { running?: boolean; joined?: string; labels?: Record<string, string>; created?: string; id?: string } = {},
): ContainerInspect {
  const label = { deployment: 'abc', service: name, number: 1, addresses: { n1: ip }, aliases: { n1: [name] }, links: [] };
  return {
    Id: more.id ?? `id-${name}-${ip}`,
    Name: `/${name}`,
    Created: more.created ?? '2026-01-01T00:00:00Z',
    State: { Running: more.running ?? true },
    Config: { Labels: more.labels ?? { 'arpanet.record': JSON.stringify(label), 'arpanet.request': packRequest(request) } },
    HostConfig: {},
    NetworkSettings: {
      Networks: {
        front: { NetworkID: 'e1', IPAddress: ip, IPAMConfig: { IPv4Address: ip } },
        ...(more.joined === undefined ? {} : { back: { NetworkID: 'e2', IPAddress: more.joined } }),
      },
    },
  } as unknown as ContainerInspect;
}
const network = (id: string, name: string, cidr: string, bridge: string): FoundHost['networks'][number] => ({
  engineId: `e${id.slice(1)}`,
  name,
  network: id,
  cidr,
  gateway: cidr.replace('0/24', '1'),
  internal: false,
  labels: { 'com.docker.compose.project': 'abc' },
  options: { 'com.docker.network.bridge.name': bridge, 'com.docker.network.driver.mtu': '1450', own: 'yes' },
});
function host(name: string, containers: readonly ContainerInspect[], kept: Partial<RecoveryFacts> = {}): FoundHost {
  return {
    kept: {
      host: { name, address: `10.0.0.${name.slice(1)}`, gateway: `10.0.0.${name.slice(1)}:2376`, labels: {} },
      epoch: 5,
      clusterId: 'c1',
      plans: [],
      state: undefined,
      ...kept,
    },
    containers,
    networks: [network('n1', 'front', '10.32.0.0/24', 'arp00002a'), network('n2', 'back', '10.32.1.0/24', 'arp00002b')],
  };
}
const under = <T>(recovery: ReturnType<typeof planRecovery>, prefix: string): Record<string, T> =>
  Object.fromEntries(
    recovery.records
      .filter(([key]) => key.startsWith(`arpanet/${prefix}`))
      .map(([key, value]) => [key.slice(8 + prefix.length), value as T]),
  );

describe('a recovery', () => {
  it('from the Engines alone has containers with their requests, networks with their ids, and leases; it says what it cannot know', () => {
    const found = planRecovery([host('h1', [container('web', '10.32.0.70', { joined: '10.32.1.9' })])], deps);
    const web = under<ContainerRecord>(found, 'containers/')['web'];
    assert.deepEqual(web?.request, request);
    assert.deepEqual(web?.addresses, { n1: '10.32.0.70', n2: '10.32.1.9' });
    assert.deepEqual([web?.host, web?.deployment, web?.service, web?.id], ['h1', 'abc', 'web', 'id-web-10.32.0.70']);
    const { n1 } = under<NetworkRecord>(found, 'networks/');
    assert.deepEqual([n1?.name, n1?.vni, n1?.cidr, n1?.deployment, n1?.options], ['front', 42, '10.32.0.0/24', 'abc', { own: 'yes' }]);
    assert.deepEqual(under(found, 'subnets/'), {
      '10.32.0.0_24': { cidr: '10.32.0.0/24', network: 'n1' },
      '10.32.1.0_24': { cidr: '10.32.1.0/24', network: 'n2' },
    });
    const leases = Object.values(under<LeaseRecord>(found, 'leases/')).map(
      ({ ip, kind, owner, state }) => `${ip} ${kind} ${owner} ${state}`,
    );
    assert.deepEqual(leases.sort(), [
      '10.32.0.1 gateway h1 bound',
      '10.32.0.70 instance web bound',
      '10.32.1.1 gateway h1 bound',
      '10.32.1.9 instance web bound',
    ]);
    assert.match(found.notes.join('\n'), /no host keeps a copy[\s\S]*aliases that it was given there are not known/);
  });

  it('begins far above the highest epoch that any host has seen, in the same cluster, with the token that the agents know', () => {
    const found = planRecovery(
      [host('h1', [container('a', '10.32.0.70')], { epoch: 7 }), host('h2', [], { epoch: 41, clusterId: '' })],
      deps,
    );
    assert.equal(found.epoch, 1_041);
    assert.deepEqual(under(found, 'config/'), { 'cluster-id': 'c1', 'join-token': 'secret', schema: STORE_SCHEMA });
    assert.equal(under(found, 'epoch')[''], 1_041);
  });

  it('services keep their one address, unless a container has it by now', () => {
    const vip = (ip: string, owner: string): readonly [string, unknown] => [
      `arpanet/leases/n1/${ip}`,
      { ip, network: 'n1', kind: 'service', owner, host: '', state: 'bound', sinceMs: 1, epoch: 2 },
    ];
    const state = { epoch: 5, atMs: 10, records: [vip('10.32.0.250', 'abc/web'), vip('10.32.0.70', 'abc/db')] };
    const found = planRecovery([host('h1', [container('web', '10.32.0.70')], { state })], deps);
    const leases = Object.values(under<LeaseRecord>(found, 'leases/n1/')).map(({ ip, kind, owner }) => `${ip} ${kind} ${owner}`);
    assert.deepEqual(leases.sort(), ['10.32.0.1 gateway h1', '10.32.0.250 service abc/web', '10.32.0.70 instance web']);
    assert.match(found.notes.join('\n'), /10\.32\.0\.70 is held by web and by abc\/db/);
  });

  it('takes networks, services, hosts’ settings and late aliases from the newest copy that a host keeps', () => {
    const web = container('web', '10.32.0.70', { joined: '10.32.1.9' });
    const kept = (epoch: number, atMs: number, desired: number): RecoveryFacts['state'] => ({
      epoch,
      atMs,
      records: [
        ['arpanet/services/abc/web', { desired }],
        [
          'arpanet/networks/n2',
          { id: 'n2', name: 'back', cidr: '10.32.1.0/24', vni: 43, auxAddresses: { printer: '10.32.1.200' }, gateway: '10.32.1.254' },
        ],
        ['arpanet/hosts/h1', { name: 'h1', availability: 'drain', setLabels: { x: 'y' }, address: 'old', gateway: 'old' }],
        ['arpanet/hosts/gone', { name: 'gone' }],
        ['arpanet/containers/web', { id: web.Id, aliases: { n2: ['store'] }, connected: { n2: { Aliases: ['store'] } } }],
        ['arpanet/containers/dead', { id: 'dead' }],
      ],
    });
    const found = planRecovery(
      [host('h1', [web], { state: kept(5, 10, 2) }), host('h2', [], { state: kept(5, 20, 3) }), host('h3', [], { state: kept(4, 90, 9) })],
      deps,
    );
    assert.deepEqual(under(found, 'services/'), { 'abc/web': { desired: 3 } });
    const { h1, gone } = under<Record<string, unknown>>(found, 'hosts/');
    assert.deepEqual([h1?.['availability'], h1?.['address'], gone], ['drain', '10.0.0.1', undefined]);
    const { web: record, dead } = under<ContainerRecord>(found, 'containers/');
    assert.deepEqual([record?.aliases['n2'], record?.connected, dead], [['store'], { n2: { Aliases: ['store'] } }, undefined]);
    const leases = Object.values(under<LeaseRecord>(found, 'leases/n2')).map(({ ip, kind, owner }) => `${ip} ${kind} ${owner}`);
    assert.ok(leases.includes('10.32.1.200 user printer') && leases.includes('10.32.1.254 user gateway'), leases.join());
    assert.ok(!found.notes.some((note) => note.includes('back')), found.notes.join());
  });

  it('with two of one name takes the one that runs; with two at one address the first; both are reported', () => {
    const found = planRecovery(
      [
        host('h1', [container('web', '10.32.0.70', { running: false })]),
        host('h2', [container('web', '10.32.0.71'), container('other', '10.32.0.71')]),
      ],
      deps,
    );
    assert.equal(under<ContainerRecord>(found, 'containers/')['web']?.host, 'h2');
    assert.match(found.notes.join('\n'), /address 10\.32\.0\.71 is held by web and by other/);
    assert.match(found.notes.join('\n'), /web exists twice: the one on h2 is taken/);
  });

  it('is refused when hosts in use belong to two clusters; one that nothing runs on does not count', () => {
    const plans = [
      { network: 'n1', name: 'front', cidr: '10.32.0.0/24', vni: 42, gateway: '10.32.0.1', labels: {}, options: {}, internal: false },
    ] as unknown as readonly NetworkPlan[];
    assert.match(
      planRecovery([host('h1', [], { plans }), host('h2', [], { plans, clusterId: 'c2' })], deps).refusals[0] ?? '',
      /2 clusters: h1 to c1, h2 to c2/,
    );
    assert.deepEqual(planRecovery([host('h1', [], { plans }), host('h2', [], { clusterId: 'c2' })], deps).refusals, []);
  });

  it('leaves a container alone whose labels cannot be read', () => {
    const found = planRecovery([host('h1', [container('odd', '10.32.0.70', { labels: { 'arpanet.record': '{' } })])], deps);
    assert.deepEqual(under(found, 'containers/'), {});
    assert.match(found.notes.join('\n'), /odd on h1 has labels that cannot be read/);
  });
});

describe('what labels say in a recovery', () => {
  const key = 'the-key-of-a-backup';
  /** As the cluster wrote them for h1. */
  function signed(name: string, ip: string): Record<string, string> {
    const label = { deployment: 'abc', service: name, number: 1, addresses: { n1: ip }, aliases: {}, links: [], name, nonce: `of ${name}` };
    const given = { 'arpanet.record': JSON.stringify(label), 'arpanet.request': packRequest(request) };
    return { ...given, 'arpanet.mac': labelMac({ clusterId: 'c1', labelKey: key }, 'h1', given) };
  }
  const web = container('web', '10.32.0.70', { labels: signed('web', '10.32.0.70') });
  const forged = container('forged', '10.32.0.71');
  const names = (recovery: ReturnType<typeof planRecovery>) => Object.keys(under(recovery, 'containers/'));

  it('is unproven without the key, and taken as far as the facts allow', () => {
    const found = planRecovery([host('h1', [web, forged])], deps);
    assert.deepEqual(
      [names(found), found.unproven],
      [
        ['forged', 'web'],
        ['web', 'forged'],
      ],
    );
    assert.match(recoveryText(found), /^unproven: only labels say what container forged is, and nothing proves them$/m);
    assert.equal(under(found, 'config/')['label-key'], undefined, 'the first leader makes one');
    const elsewhere = { ...forged, NetworkSettings: { Networks: { bridge: { NetworkID: 'docker0', IPAddress: '172.17.0.2' } } } };
    const nowhere = planRecovery([host('h1', [elsewhere])], deps);
    assert.deepEqual([names(nowhere), nowhere.unproven], [[], []]);
    assert.match(nowhere.notes.join('\n'), /forged on h1 has none of the addresses that its labels name, .*: it is left as it is/);
  });

  it('is proven or refused by the key of a backup, which the new store keeps', () => {
    const found = planRecovery([host('h1', [web, forged]), host('h2', [{ ...web, Id: 'copy' }])], {
      ...deps,
      labelKey: key,
      isTrusting: false,
    });
    assert.deepEqual([names(found), found.unproven], [['web'], []]);
    assert.equal(under<ContainerRecord>(found, 'containers/')['web']?.nonce, 'of web');
    assert.equal(under(found, 'config/')['label-key'], key);
    assert.match(found.notes.join('\n'), /web on h2 has labels that this cluster did not write, or not for this host: it is left as it is/);
    assert.match(found.notes.join('\n'), /forged on h1 has labels that this cluster did not write/);
  });

  it('is proven by a host’s copy of the store’s record of the same container, too', () => {
    const id = 'id-forged-10.32.0.71';
    const kept = { id, deployment: 'abc', service: 'forged', number: 1, addresses: { n1: '10.32.0.71' } };
    const state = { epoch: 5, atMs: 1, records: [['arpanet/containers/forged', kept] as const] };
    for (const [record, container_, expected] of [
      [state, forged, ['forged']],
      [state, { ...forged, Id: 'another' }, []],
      [{ ...state, records: [['arpanet/containers/forged', { ...kept, addresses: { n1: '10.32.0.9' } }] as const] }, forged, []],
    ] as const)
      assert.deepEqual(names(planRecovery([host('h1', [container_], { state: record })], { ...deps, isTrusting: false })), expected);
  });

  it('counts for the oldest of those that have it: a copy is younger', () => {
    const copy = container('copy', '10.32.0.70', { labels: signed('web', '10.32.0.70'), created: '2026-02-01T00:00:00Z' });
    const found = planRecovery([host('h1', [copy, { ...web, State: { ...web.State, Running: false } }])], { ...deps, labelKey: key });
    assert.deepEqual(names(found), ['web']);
    assert.match(found.notes.join('\n'), /copy on h1 has the labels of an older container: it is left as it is/);
  });
});

describe('a backup', () => {
  it('has the key that labels are signed with', () => {
    const { records: kept } = readBackup(backupText([['arpanet/config/label-key', 'k']], '', ''));
    assert.deepEqual(kept, [['arpanet/config/label-key', 'k']]);
  });

  const records = [
    ['arpanet/leader', { url: 'x' }],
    ['arpanet/networks/n1', { name: 'ümlaut\n' }],
    ['arpanet/barrier', 'b'],
    ['arpanet/epoch', 7],
    ['arpanet/config/cluster-id', 'c1'],
  ] as const;
  const text = backupText(records, '2026-11-20T00:00:00Z', '1.0.0');

  it('reads back what it was made of, but for who leads', () => {
    const { records: read, epoch, clusterId, madeAt } = readBackup(text);
    assert.deepEqual(read, [records[4], records[3], records[1]]);
    assert.deepEqual([epoch, clusterId, madeAt], [7, 'c1', '2026-11-20T00:00:00Z']);
  });

  it('is refused when a byte of it is another, a line is missing, or it is something else', () => {
    const lines = text.split('\n');
    for (const [broken, why] of [
      [text.replace('ümlaut', 'umlaut'), /checksum/],
      [lines.toSpliced(1, 1).join('\n'), /checksum/],
      [lines.slice(0, -2).join('\n'), /not whole/],
      [text.slice(0, -10), /not whole/],
      ['', /no backup/],
      ['{"format":"other"}\n', /no backup/],
      [text.replace('"version":1', '"version":2'), /has format 2, and this program reads 1/],
    ] as const) {
      assert.throws(() => readBackup(broken), { kind: 'invalid', message: why });
    }
  });
});

describe('a create request in a label', () => {
  it('comes back as it was', () => assert.deepEqual(requestFromLabels({ 'arpanet.request': packRequest(request) }), request));
  it('is left out when it is too large, and ignored when it cannot be read', () => {
    const noise = Array.from({ length: 40_000 }, (_, i) => ((i * 2_654_435_761) >>> 0).toString(36)).join('');
    assert.equal(packRequest({ Image: noise }), '');
    for (const packed of ['', 'AAAA', Buffer.from('x').toString('base64')])
      assert.equal(requestFromLabels({ 'arpanet.request': packed }), undefined);
  });
});
