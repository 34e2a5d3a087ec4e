import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CreateRequest } from '../../../src/model/index.ts';
import { refuseNetworks } from '../../../src/scheduler/create/claim-addresses.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';

it('a check by label is refused where its host reaches the container on no network, and the message says what to do', () => {
  const records = ['wire', 'net'].map((name) => [name, { id: name, name, ...(name === 'wire' && { driver: 'macvlan' }) }]);
  const deps = { ledger: { list: () => records } } as never as Parameters<typeof refuseNetworks>[0];
  const refuse = (networks: readonly string[], Labels: CreateRequest['Labels'], more: CreateRequest = {}) => {
    const EndpointsConfig = Object.fromEntries(networks.map((name) => [name, {}]));
    const request = { Image: 'busybox', NetworkingConfig: { EndpointsConfig }, ...more };
    refuseNetworks(deps, identify({ name: 'web', request, taken: () => [] }), Labels);
  };
  const check = { 'arpanet.check': 'tcp:80' };
  assert.throws(() => refuse(['wire'], check), {
    kind: 'invalid',
    message: /own containers on network wire \(driver macvlan\).*HEALTHCHECK$/,
  });
  assert.throws(() => refuse(['nowhere'], {}), { kind: 'invalid', message: 'network nowhere not found' });
  refuse(['wire'], {});
  refuse(['wire', 'net'], check);
  refuse([], check);
  refuse(['wire'], check, { HostConfig: { NetworkMode: 'bridge' } });
});
