import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindingsEverywhere, withEverywhere } from '../../../src/docker-api/containers/everywhere.ts';
import type { CreateRequest } from '../../../src/model/index.ts';
import { published } from '../../../src/scheduler/networks/publish-mode.ts';

const asked = (bindings: NonNullable<NonNullable<CreateRequest['HostConfig']>['PortBindings']>, more: Partial<CreateRequest> = {}) => ({
  Image: 'web',
  ...more,
  HostConfig: { ...more.HostConfig, PortBindings: bindings },
});
const at = (HostPort: string, HostIp = '') => [{ HostIp, HostPort }];
const outcome = ({ Labels, HostConfig }: CreateRequest) => [Labels?.['arpanet.ingress'], HostConfig?.PortBindings];

describe('ports that clients publish, where every host answers for them', () => {
  it('each number of TCP and UDP becomes one that every host answers for, and the Engine publishes none', () => {
    const request = asked({ '80/tcp': at('8080'), '53/udp': at('5353') });
    assert.deepEqual(outcome(published(request, 'ingress')), ['8080:80/tcp,5353:53/udp', {}]);
    assert.equal(published(request, 'host'), request);
  });

  it('one with an address stays at that address of its host, never widened; so do ranges, numbers to be chosen, SCTP and what the cluster has itself', () => {
    const kept = {
      '80/tcp': at('8080', '127.0.0.1'),
      '81/tcp': at('8081', '0.0.0.0'),
      '82/tcp': at('8000-8010'),
      '83/tcp': at(''),
      '84/sctp': at('84'),
      '53/udp': at('53'),
    };
    const request = asked(kept);
    assert.equal(published(request, 'ingress'), request);
    const both = published(asked({ ...kept, '85/tcp': [...at('8085'), ...at('8086', '10.9.0.1')] }), 'ingress');
    assert.deepEqual(outcome(both), ['8085:85/tcp', { ...kept, '85/tcp': at('8086', '10.9.0.1') }]);
  });

  it('the label goes before the setting; services of the API, and containers on no network of the cluster, say it themselves', () => {
    const bindings = { '80/tcp': at('8080') };
    const isChanged = (mode: 'host' | 'ingress', more: Partial<CreateRequest>): boolean => {
      const request = asked(bindings, more);
      return published(request, mode) !== request;
    };
    assert.ok(isChanged('host', { Labels: { 'arpanet.publish': 'ingress' } }));
    assert.ok(!isChanged('ingress', { Labels: { 'arpanet.publish': 'host' } }));
    assert.ok(!isChanged('ingress', { Labels: { 'com.docker.stack.namespace': 'abc' } }));
    for (const NetworkMode of ['host', 'bridge', 'container:abc']) assert.ok(!isChanged('ingress', { HostConfig: { NetworkMode } }));
  });

  it('what is made again from its inspect asks for the same once', () => {
    const first = published(asked({ '80/tcp': at('8080') }), 'ingress');
    const again = published({ ...first, HostConfig: { PortBindings: { '80/tcp': at('8080') } } }, 'host');
    assert.deepEqual(outcome(again), ['8080:80/tcp', {}]);
  });

  it('docker ps, port and inspect tell them as an Engine tells published ports, of a container that runs', () => {
    const record = { request: published(asked({ '80/tcp': at('8080') }), 'ingress') } as never;
    const exposed = [{ PrivatePort: 80, Type: 'tcp' }];
    assert.deepEqual(withEverywhere(exposed, false, record), exposed);
    assert.deepEqual(withEverywhere(exposed, true, record), [
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    ]);
    const inspect = { State: { Running: true }, NetworkSettings: { Ports: { '80/tcp': null } } } as never;
    assert.deepEqual(bindingsEverywhere(inspect, {}, record), {
      asked: { '80/tcp': at('8080') },
      bound: { '80/tcp': [...at('8080', '0.0.0.0'), ...at('8080', '::')] },
    });
    const ofService = { request: { Labels: { 'arpanet.ingress': '8080:80' } } } as never;
    assert.equal(bindingsEverywhere(inspect, {}, ofService), undefined, 'as in Swarm mode');
  });
});
