/** What the labels of a container prove: the MAC and the facts, on literal data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ContainerInspect, EndpointSettings, LabelClaim, LabelledContainer, LabelVerdict } from '../../../src/model/index.ts';
import { judgeLabels } from '../../../src/scheduler/containers/label-claims.ts';
import { endpointMac, labelMac } from '../../../src/scheduler/create/label-mac.ts';
import { packRequest } from '../../../src/scheduler/create/packed-request.ts';
import { recordLabelsOf } from '../../../src/scheduler/create/rewrite-labels.ts';

const signer = { clusterId: 'c1', labelKey: 'secret' };
const request = { Image: 'busybox', Cmd: ['sleep'], Labels: { a: 'b' } };

type Labels = Readonly<Record<string, string>>;

/** The labels of abc_web_1 at 10.32.0.7, as the scheduler writes them for host h1. */
function written(more: { host?: string; signer?: typeof signer; packed?: string; networks?: readonly string[] } = {}): Labels {
  const network = (id: string) => ({ record: { id }, ip: '10.32.0.7', wanted: { aliases: ['web'] } });
  return recordLabelsOf({
    identity: { deployment: 'abc', service: 'web', number: 1, links: [] },
    networks: (more.networks ?? ['n1']).map(network),
    name: 'abc_web_1',
    nonce: 'once',
    labelNames: ['a'],
    packed: more.packed ?? packRequest(request),
    sign: (given: Labels) => labelMac(more.signer ?? signer, more.host ?? 'h1', given),
  } as unknown as Parameters<typeof recordLabelsOf>[0]);
}

const endpoint = (ip: string, more: EndpointSettings = {}): EndpointSettings => ({
  NetworkID: 'engine-1',
  IPAddress: ip,
  IPAMConfig: { IPv4Address: ip },
  ...more,
});

function container(
  labels: Labels,
  more: { host?: string; networks?: Record<string, EndpointSettings>; status?: string; name?: string } = {},
): LabelledContainer {
  return {
    host: more.host ?? 'h1',
    inspect: {
      Id: 'id-1',
      Name: `/${more.name ?? 'abc_web_1'}`,
      State: { Status: more.status ?? 'running' },
      Config: { Image: 'busybox', Labels: labels },
      HostConfig: {},
      NetworkSettings: { Networks: more.networks ?? { abc_default: endpoint('10.32.0.7') } },
    } as unknown as ContainerInspect,
    networkOf: (name, { NetworkID }) =>
      (NetworkID ? NetworkID === 'engine-1' : name === 'abc_default')
        ? { id: 'n1', cidr: '10.32.0.0/22' }
        : NetworkID === 'engine-2'
          ? { id: 'n2', cidr: '10.32.4.0/22' }
          : undefined,
  };
}

function claimed(verdict: LabelVerdict): LabelClaim {
  assert.ok(verdict.kind === 'proven', JSON.stringify(verdict));
  return verdict.claim;
}
const refused = (verdict: LabelVerdict, why: RegExp): void => {
  assert.ok(verdict.kind === 'unproven', JSON.stringify(verdict));
  assert.match(verdict.why, why);
};
const FOREIGN = /^has labels that this cluster did not write, or not for this host$/;
const ELSEWHERE = /^has none of the addresses that its labels name/;

describe('labels that the cluster wrote, on the container that it wrote them for', () => {
  it('prove deployment, service, number, addresses and request', () => {
    const { labelled, addresses, ...rest } = claimed(judgeLabels(container(written()), signer));
    assert.deepEqual([labelled.deployment, labelled.service, labelled.number, labelled.nonce], ['abc', 'web', 1, 'once']);
    assert.deepEqual(addresses, { n1: '10.32.0.7' });
    assert.deepEqual(rest, { request, isRequestWhole: true });
  });

  it('do so for one that has stopped, or never started: it has the address that it asked for, and maybe no id of its network', () => {
    const waiting = { abc_default: { NetworkID: '', IPAddress: '', IPAMConfig: { IPv4Address: '10.32.0.7' } } };
    for (const status of ['exited', 'created'])
      assert.deepEqual(claimed(judgeLabels(container(written(), { status, networks: waiting }), signer)).addresses, { n1: '10.32.0.7' });
  });

  it('do so after a rename, and for one on no cluster network', () => {
    claimed(judgeLabels(container(written(), { name: 'old_web' }), signer));
    assert.deepEqual(claimed(judgeLabels(container(written({ networks: [] }), { networks: {} }), signer)).addresses, {});
  });

  it('prove an address of a later connect by the endpoint alone, and no other', () => {
    const joined = (network: string, ip: string, id = 'id-1') =>
      endpoint(ip, {
        NetworkID: network === 'n1' ? 'engine-1' : 'engine-2',
        DriverOpts: { 'arpanet.mac': endpointMac(signer, { container: id, network, ip }), own: 'x' },
      });
    const on = (networks: Record<string, EndpointSettings>) => judgeLabels(container(written(), { networks }), signer);
    assert.deepEqual(claimed(on({ back: joined('n2', '10.32.4.9'), abc_default: endpoint('10.32.0.7') })).addresses, {
      n1: '10.32.0.7',
      n2: '10.32.4.9',
    });
    assert.deepEqual(claimed(on({ abc_default: joined('n1', '10.32.0.8') })).addresses, { n1: '10.32.0.8' }, 'joined again elsewhere');
    assert.deepEqual(
      claimed(on({ abc_default: endpoint('10.32.0.7'), back: endpoint('10.32.4.9', { NetworkID: 'engine-2' }) })).addresses,
      { n1: '10.32.0.7' },
      'joined by hand',
    );
    refused(on({ abc_default: joined('n1', '10.32.0.8', 'id-of-another') }), ELSEWHERE);
  });

  it('prove what an undone create has left over, though its network is gone; not under another name', () => {
    const left = { status: 'created', networks: { gone: endpoint('10.32.0.7', { NetworkID: '' }) } };
    assert.deepEqual(claimed(judgeLabels(container(written(), left), signer)).addresses, {});
    refused(judgeLabels(container(written(), { ...left, name: 'copy' }), signer), ELSEWHERE);
  });

  it('give the request without the labels of its image, where it was too large for a label', () => {
    const whole = { ...written({ packed: '' }), a: 'b', 'of.image': 'x', 'arpanet.files': '[]' };
    const { request: found, isRequestWhole } = claimed(judgeLabels(container(whole), signer));
    assert.deepEqual([found.Labels, isRequestWhole], [{ a: 'b' }, false]);
  });
});

describe('labels on a container prove nothing', () => {
  it('if there are none, or none with a value, as on an image that was committed', () => {
    for (const labels of [{}, { 'arpanet.record': '' }, { 'com.docker.compose.project': 'abc' }])
      assert.deepEqual(judgeLabels(container(labels), signer), { kind: 'none' });
  });

  it('if they are broken', () => {
    const record = { deployment: 'd', service: 's', number: 1, addresses: {}, aliases: {}, links: [] };
    const broken = ['x', 'null', '[]', '{}', '{"__proto__":{}}', '['.repeat(50_000)];
    const wrong = [{ number: '1' }, { addresses: { n1: 'x' } }, { addresses: null }, { links: [null] }, { aliases: { n1: [5] } }];
    for (const text of [...broken, ...wrong.map((one) => JSON.stringify({ ...record, ...one }))])
      refused(judgeLabels(container({ ...written(), 'arpanet.record': text }), signer), /^has labels that cannot be read$/);
  });

  it('if they have no MAC, one of another key, cluster or host, or one of other labels', () => {
    const { 'arpanet.mac': mac = '', ...bare } = written();
    const record = bare['arpanet.record'] ?? '';
    const forged: readonly Labels[] = [
      bare,
      { ...bare, 'arpanet.mac': '' },
      { ...bare, 'arpanet.mac': `${mac}x` },
      written({ signer: { ...signer, labelKey: 'other' } }),
      written({ signer: { ...signer, clusterId: 'c2' } }),
      written({ host: 'h2' }),
      { ...written(), 'arpanet.record': record.replace('10.32.0.7', '8.8.8.8') },
      { ...written(), 'arpanet.record': record.replace('abc', 'xyz') },
      { ...written(), 'arpanet.record': ` ${record}` },
      { ...written(), 'arpanet.request': packRequest({ ...request, Image: 'evil' }) },
    ];
    for (const labels of forged) refused(judgeLabels(container(labels), signer), FOREIGN);
  });

  it('if they are a copy, on a container with other facts: on another host, network or address, or outside of the subnet', () => {
    const copy = written();
    refused(judgeLabels(container(copy, { host: 'h2' }), signer), FOREIGN);
    for (const networks of [
      {},
      { bridge: endpoint('172.17.0.2', { NetworkID: 'docker0' }) },
      { abc_default: endpoint('10.32.0.7', { NetworkID: 'of-the-engine-alone' }) },
      { back: endpoint('10.32.0.7', { NetworkID: 'engine-2' }) },
      { abc_default: endpoint('10.32.0.9') },
      { abc_default: endpoint('') },
      // it asked for the address, and has another
      { abc_default: endpoint('10.32.0.9', { IPAMConfig: { IPv4Address: '10.32.0.7' } }) },
    ])
      refused(judgeLabels(container(copy, { networks }), signer), ELSEWHERE);
    const outside = container(copy);
    refused(judgeLabels({ ...outside, networkOf: () => ({ id: 'n1', cidr: '10.40.0.0/22' }) }, signer), ELSEWHERE);
  });

  it('whatever they are', () => {
    const { 'arpanet.mac': mac } = written();
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string()), (record, packed) => {
        const given = { 'arpanet.record': record, ...(packed === null ? {} : { 'arpanet.request': packed }), 'arpanet.mac': mac ?? '' };
        assert.notEqual(judgeLabels(container(given), signer).kind, 'proven');
      }),
    );
  });
});

describe('labels without a key, as in a recovery that trusts them', () => {
  it('are taken as far as the facts allow: addresses that the container has, inside its networks', () => {
    const { 'arpanet.mac': _, ...bare } = written();
    assert.deepEqual(claimed(judgeLabels(container(bare), undefined)).addresses, { n1: '10.32.0.7' });
    assert.deepEqual(claimed(judgeLabels(container(bare, { networks: { abc_default: endpoint('10.32.0.9') } }), undefined)).addresses, {
      n1: '10.32.0.9',
    });
    refused(judgeLabels(container(bare, { networks: {} }), undefined), ELSEWHERE);
    refused(judgeLabels(container(bare, { networks: { abc_default: endpoint('8.8.8.8') } }), undefined), ELSEWHERE);
  });
});

describe('a MAC', () => {
  it('is the same for the same, 43 digits of base64url, and of no use for anything else', () => {
    const mac = labelMac(signer, 'h1', written());
    assert.equal(mac, labelMac(signer, 'h1', written()));
    assert.match(mac, /^[\w-]{43}$/);
    const { labelKey } = signer;
    const others = [
      labelMac({ labelKey, clusterId: 'c' }, '1h1', written()),
      endpointMac(signer, { container: 'a', network: 'bc', ip: '10.0.0.1' }),
      endpointMac(signer, { container: 'ab', network: 'c', ip: '10.0.0.1' }),
    ];
    assert.equal(new Set([mac, ...others]).size, 4);
  });
});
