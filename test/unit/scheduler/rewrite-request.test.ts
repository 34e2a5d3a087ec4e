import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type CreateRequest, type HostDns, type NetworkRecord, withoutReservedLabels } from '../../../src/model/index.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';
import { recordFromLabels } from '../../../src/scheduler/create/rewrite-labels.ts';
import { rewrite } from '../../../src/scheduler/create/rewrite.ts';

const record = (name: string): NetworkRecord => ({
  id: name.padEnd(64, '0'),
  name,
  deployment: 'abc',
  cidr: '10.32.0.0/22',
  vni: 1,
  labels: {},
  options: {},
  internal: false,
  attachable: true,
  auxAddresses: {},
  implicit: false,
  createdAtMs: 0,
});

const signed = { nonce: 'n', packed: 'p', sign: (given: Readonly<Record<string, string>>) => `of ${Object.keys(given).join()}` };

interface More {
  readonly apiVersion?: string;
  readonly refs?: Record<string, string>;
  readonly image?: string;
  readonly hostDns?: HostDns;
}

function rewritten(request: CreateRequest, { apiVersion = '1.43', refs, image = request.Image ?? '', hostDns }: More = {}) {
  const identity = identify({ name: 'abc_web_1', request, taken: () => [] });
  const networks = identity.networks.map((wanted, index) => ({
    record: record(wanted.reference),
    ip: `10.32.${index}.7`,
    gateway: `10.32.${index}.1`,
    wanted,
  }));
  return rewrite({
    request,
    identity,
    name: 'abc_web_1',
    networks,
    apiVersion,
    imageReference: image,
    refs: new Map(Object.entries(refs ?? {})),
    linkEnv: [],
    ...(hostDns === undefined ? {} : { hostDns }),
    signed,
  });
}

const Labels = { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web', 'com.docker.compose.container-number': '1' };

describe('a fig container', () => {
  const fig: CreateRequest = { Image: 'abc_web', Labels, HostConfig: { NetworkMode: 'default', Links: ['abc_redis_1:redis'], Binds: [] } };

  it('joins its deployment’s network with its address, our DNS and no links', () => {
    const { body, connectAfter } = rewritten(fig);
    assert.deepEqual(body.HostConfig, {
      NetworkMode: 'abc_default',
      Binds: [],
      Dns: ['10.32.0.1'],
      DnsSearch: ['abc.service.consul'],
      DnsOptions: [],
    });
    assert.deepEqual(body.NetworkingConfig, { EndpointsConfig: { abc_default: { IPAMConfig: { IPv4Address: '10.32.0.7' } } } });
    assert.deepEqual(connectAfter, []);
    assert.equal(body.Image, 'abc_web');
  });

  it('carries labels that give its record back', () => {
    const { body } = rewritten(fig);
    assert.equal(body.Labels?.['arpanet.instance'], '1.web.abc');
    assert.equal(body.Labels?.['arpanet.request'], 'p');
    assert.equal(body.Labels?.['arpanet.mac'], 'of arpanet.instance,arpanet.record,arpanet.request');
    assert.deepEqual(recordFromLabels(body.Labels ?? {}), {
      name: 'abc_web_1',
      nonce: 'n',
      deployment: 'abc',
      service: 'web',
      number: 1,
      addresses: { [record('abc_default').id]: '10.32.0.7' },
      aliases: { [record('abc_default').id]: [] },
      links: [{ target: 'abc_redis_1', alias: 'redis' }],
    });
    assert.deepEqual(withoutReservedLabels(body.Labels ?? {}), Labels);
  });

  it('gives no record from labels that are broken or not ours', () => {
    for (const label of [undefined, '', 'x', 'null', '{}', '{"deployment":"abc"}']) {
      assert.equal(recordFromLabels(label === undefined ? {} : { 'arpanet.record': label }), undefined);
    }
  });
});

describe('the user’s DNS settings', () => {
  const dnsOf = (HostConfig: NonNullable<CreateRequest['HostConfig']>) => {
    const { Dns, DnsSearch, DnsOptions } = rewritten({ Labels, HostConfig }).body.HostConfig ?? {};
    return { Dns, DnsSearch, DnsOptions };
  };

  it('come after ours', () => {
    assert.deepEqual(dnsOf({ Dns: ['1.1.1.1'], DnsSearch: ['corp.example'], DnsOptions: ['timeout:1'] }), {
      Dns: ['10.32.0.1', '1.1.1.1'],
      DnsSearch: ['abc.service.consul', 'corp.example'],
      DnsOptions: ['timeout:1'],
    });
  });

  it('keep their own ndots, and `--dns-search .` leaves ours alone', () => {
    assert.deepEqual(dnsOf({ DnsOptions: ['ndots:3'], DnsSearch: ['.'], Dns: null }), {
      Dns: ['10.32.0.1'],
      DnsSearch: ['abc.service.consul'],
      DnsOptions: ['ndots:3'],
    });
  });

  it('have the search domains of the host in them, unless the user names some', () => {
    const searchOf = (DnsSearch?: readonly string[]) =>
      rewritten(
        { Labels, HostConfig: DnsSearch === undefined ? {} : { DnsSearch } },
        { hostDns: { servers: [], search: ['host.example'] } },
      ).body.HostConfig?.DnsSearch;
    assert.deepEqual(searchOf(), ['abc.service.consul', 'host.example']);
    assert.deepEqual(searchOf([]), ['abc.service.consul', 'host.example']);
    assert.deepEqual(searchOf(['corp.example']), ['abc.service.consul', 'corp.example']);
    assert.deepEqual(searchOf(['.']), ['abc.service.consul']);
  });

  it('have the options of the host without its ndots, with which no bare name would reach the host’s DNS', () => {
    const optionsOf = (options: readonly string[], DnsOptions?: readonly string[]) =>
      rewritten({ Labels, HostConfig: DnsOptions === undefined ? {} : { DnsOptions } }, { hostDns: { servers: [], search: [], options } })
        .body.HostConfig?.DnsOptions;
    assert.deepEqual(optionsOf(['rotate', 'timeout:1']), [], 'the Engine gives them');
    assert.deepEqual(optionsOf(['ndots:5', 'timeout:1']), ['timeout:1']);
    assert.deepEqual(optionsOf(['ndots:5']), ['attempts:2'], 'an empty list would mean the host’s');
    assert.deepEqual(optionsOf(['ndots:5'], ['use-vc']), ['use-vc']);
  });
});

describe('endpoints', () => {
  const compose: CreateRequest = {
    Labels,
    HostConfig: { NetworkMode: 'abc_front' },
    NetworkingConfig: {
      EndpointsConfig: {
        abc_front: {
          Aliases: ['web'],
          Links: ['db:x'],
          MacAddress: '02:00:00:00:00:07',
          IPAMConfig: { LinkLocalIPs: ['169.254.1.1'] },
          DriverOpts: null,
        },
        abc_back: { Aliases: ['api'], NetworkID: 'ours', DNSNames: ['a'] },
      },
    },
  };
  const front = {
    MacAddress: '02:00:00:00:00:07',
    IPAMConfig: { LinkLocalIPs: ['169.254.1.1'], IPv4Address: '10.32.0.7' },
    DriverOpts: null,
  };
  const back = { IPAMConfig: { IPv4Address: '10.32.1.7' } };

  it('go along at create for an Engine API that takes several', () => {
    const { body, connectAfter } = rewritten(compose, { apiVersion: '1.44' });
    assert.deepEqual(body.NetworkingConfig?.EndpointsConfig, { abc_front: front, abc_back: back });
    assert.deepEqual(connectAfter, []);
  });

  it('beyond the first are connected after create for an older one', () => {
    const { body, connectAfter } = rewritten(compose, { apiVersion: '1.43' });
    assert.deepEqual(body.NetworkingConfig?.EndpointsConfig, { abc_front: front });
    assert.deepEqual(connectAfter, [{ network: 'abc_back', endpoint: back }]);
  });

  it('take the network’s own name when the user named it by id', () => {
    const request: CreateRequest = { HostConfig: { NetworkMode: 'f'.repeat(64) } };
    const identity = identify({ name: 'x1', request, taken: () => [] });
    const networks = identity.networks.map((wanted) => ({ record: record('back'), ip: '10.32.0.9', gateway: '10.32.0.1', wanted }));
    const { body } = rewrite({
      request,
      identity,
      name: 'x1',
      networks,
      apiVersion: '1.44',
      imageReference: '',
      refs: new Map(),
      linkEnv: [],
      signed,
    });
    assert.equal(body.HostConfig?.NetworkMode, 'back');
    assert.deepEqual(Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {}), ['back']);
  });
});

describe('native modes', () => {
  for (const mode of ['bridge', 'host', 'none']) {
    it(`${mode} is left as it came, but for the labels`, () => {
      const request = {
        Image: 'i',
        HostConfig: { NetworkMode: mode, Links: ['a:b'], Dns: ['1.1.1.1'] },
        NetworkingConfig: { EndpointsConfig: { [mode]: {} } },
      };
      const { body, connectAfter } = rewritten(request);
      assert.deepEqual({ ...body, Labels: undefined }, { ...request, Labels: undefined });
      assert.deepEqual(connectAfter, []);
    });
  }
});

describe('references to other containers', () => {
  it('become full ids, options kept', () => {
    const id = 'a'.repeat(64);
    const request = {
      HostConfig: { NetworkMode: 'container:db', VolumesFrom: ['db:ro', 'db', 'unknown:rw'], IpcMode: 'container:db', PidMode: 'host' },
    };
    const { body } = rewritten(request, { refs: { db: id } });
    assert.deepEqual(body.HostConfig, {
      NetworkMode: `container:${id}`,
      VolumesFrom: [`${id}:ro`, id, 'unknown:rw'],
      IpcMode: `container:${id}`,
      PidMode: 'host',
    });
    assert.equal('NetworkingConfig' in body, false);
  });
});

describe('everything else', () => {
  const rewrittenKeys = ['NetworkMode', 'Links', 'Dns', 'DnsSearch', 'DnsOptions', 'IpcMode', 'PidMode', 'VolumesFrom'];
  const plain = { noNullPrototype: true };
  const without = (object: object, keys: readonly string[]) =>
    Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));

  it('stays as the client sent it, whatever it is', () => {
    const key = fc
      .stringMatching(/^[A-Z][A-Za-z]{2,12}$/)
      .filter((name) => !['Labels', 'HostConfig', 'NetworkingConfig', 'Image', 'Env'].includes(name));
    const anything = fc.dictionary(key, fc.jsonValue(), plain);
    const hostKey = key.filter((name) => ![...rewrittenKeys, 'Binds', 'Mounts', 'PortBindings'].includes(name));
    const networkMode = fc.constantFrom('', 'default', 'abc_x', 'bridge', 'host', 'none', 'container:db');
    fc.assert(
      fc.property(
        anything,
        fc.dictionary(hostKey, fc.jsonValue(), plain),
        networkMode,
        fc.dictionary(key, fc.string(), plain),
        (others, hostOthers, NetworkMode, labels) => {
          const request: CreateRequest = {
            ...others,
            Image: 'i',
            Cmd: ['a'],
            Entrypoint: null,
            Env: ['A=b'],
            Labels: labels,
            HostConfig: { ...hostOthers, NetworkMode, ExtraHosts: ['a:1.2.3.4'] },
          };
          const before = structuredClone(request);
          const { body } = rewritten(request);
          assert.deepEqual(request, before);
          assert.deepEqual(
            without(body, ['Labels', 'HostConfig', 'NetworkingConfig']),
            without(request, ['Labels', 'HostConfig', 'NetworkingConfig']),
          );
          assert.deepEqual(without(body.HostConfig ?? {}, rewrittenKeys), without(request.HostConfig ?? {}, rewrittenKeys));
          assert.deepEqual(withoutReservedLabels(body.Labels ?? {}), labels);
        },
      ),
    );
  });
});
