import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CreateRequest, type EndpointSettings, predefinedNetworks } from '../../../src/model/index.ts';
import { modeOf, networksOf } from '../../../src/scheduler/create/identify-networks.ts';
import { asInspected } from '../../../src/scheduler/create/identify-recreated.ts';

const NetworkID = predefinedNetworks.get('bridge') ?? '';
const shared = {
  NetworkID,
  EndpointID: 'e',
  Gateway: '10.32.0.1',
  IPAddress: '10.32.0.17',
  IPPrefixLen: 22,
  Aliases: null,
  IPAMConfig: {},
};
const native = { ...shared, Gateway: '172.17.0.1', IPAddress: '172.17.0.2', IPPrefixLen: 16 };
const own = { NetworkID: 'f'.repeat(64), IPAddress: '10.32.4.17', Aliases: ['web'] };

const request = (NetworkMode: string | undefined, EndpointsConfig: object): CreateRequest => ({
  Image: 'x',
  ...(NetworkMode === undefined ? {} : { HostConfig: { NetworkMode } }),
  NetworkingConfig: { EndpointsConfig: EndpointsConfig as Record<string, EndpointSettings> },
});
const landsOn = (sent: CreateRequest, deployment = 'default') => {
  const meant = asInspected(sent, { deployment, routes: () => ['0.0.0.0/0', '172.17.0.0/16', '192.168.1.0/24'] });
  const mode = modeOf(meant);
  return [mode.kind, ...networksOf(meant, mode, deployment).map(({ reference }) => reference)];
};

describe('a container made from its inspect', () => {
  it('of the default network is there again, whichever mode its Engine shows', () => {
    for (const mode of ['default', 'bridge', '', undefined])
      assert.deepEqual(landsOn(request(mode, { bridge: shared })), ['cluster', 'default_default'], mode);
    assert.deepEqual(
      landsOn(request('bridge', { bridge: { ...shared, IPAddress: '' } })),
      ['cluster', 'default_default'],
      'it was stopped',
    );
    assert.deepEqual(landsOn(request('bridge', { bridge: shared, back: own })), ['cluster', 'default_default', 'back']);
  });

  it("of its host's own bridge is there again", () => {
    assert.deepEqual(landsOn(request('bridge', { bridge: native })), ['native']);
  });

  it('of a project that names no network is on its default network, and not on a bridge', () => {
    assert.deepEqual(landsOn(request('bridge', { abc_default: own }), 'abc'), ['cluster', 'abc_default']);
    assert.deepEqual(landsOn(request('default', { abc_default: own }), 'abc'), ['cluster', 'abc_default']);
  });

  it('says so by the id of its network: what people write means what it meant', () => {
    assert.deepEqual(landsOn(request('bridge', { bridge: {} })), ['native']);
    assert.deepEqual(landsOn(request('bridge', {})), ['native']);
    assert.deepEqual(landsOn(request('default', { bridge: { NetworkID: '' } })), ['native']);
    assert.deepEqual(landsOn(request('bridge', { abc_default: {} }), 'abc'), ['native', 'abc_default']);
    assert.deepEqual(landsOn(request('back', { back: own })), ['cluster', 'back']);
    assert.deepEqual(landsOn(request('host', { host: { NetworkID: 'x' } })), ['native']);
  });
});
