/** Which published ports lead where. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerView } from '../../../src/model/index.ts';
import { published } from '../../../src/publish/plan.ts';
import { literalContainer } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';

type Port = NonNullable<ContainerView['facts']['summary']['Ports']>[number];
const web = (PublicPort: number, IP = '0.0.0.0', Type = 'tcp'): Port => ({ IP, PrivatePort: 80, PublicPort, Type });

function container(
  name: string,
  host: string,
  second: number,
  ports: readonly Port[],
  more: Parameters<typeof literalContainer>[0] | object = {},
) {
  const StartedAt = `2026-01-01T00:00:0${second}Z`;
  const record = literalRecord(name, { host });
  return literalContainer({ id: record.id, name, host, record, state: { StartedAt }, summary: { Ports: ports }, ...more });
}

const shown = (...containers: ContainerView[]) => Object.fromEntries(published(containers));

describe('published ports', () => {
  it('lead to the loopback of their host, or to the address that they were published at', () => {
    assert.deepEqual(
      shown(
        container('abc_web_1', 'h1', 1, [web(8080), web(8080, '::')]),
        container('abc_api_1', 'h2', 1, [web(8081, '127.0.0.1'), web(8082, '10.0.0.2')]),
        container('abc_six_1', 'h2', 1, [web(8083, '::'), web(8084, '::1')]),
      ),
      {
        8080: [{ host: 'h1', address: '127.0.0.1', port: 8080 }],
        8081: [{ host: 'h2', address: '127.0.0.1', port: 8081 }],
        8082: [{ host: 'h2', address: '10.0.0.2', port: 8082 }],
        8083: [{ host: 'h2', address: '::1', port: 8083 }],
        8084: [{ host: 'h2', address: '::1', port: 8084 }],
      },
    );
  });

  it('that every host answers for lead to the containers’ own addresses: those that are ready, else all that run; another’s number on its host is not theirs', () => {
    const mesh = (name: string, host: string, Status: string, ip: string) => {
      const request = { Labels: { 'arpanet.ingress': '8090:80,53:53/udp' } };
      const record = literalRecord(name, { host, addresses: { n: ip }, request });
      return container(name, host, 2, [], { record, state: { StartedAt: '2026-01-01T00:00:02Z', Health: { Status } } });
    };
    const [one, two] = [mesh('abc_m_1', 'h1', 'healthy', '10.32.0.5'), mesh('abc_m_2', 'h2', 'starting', '10.32.0.6')];
    const at = (host: string, address: string) => ({ host, address, port: 80 });
    assert.deepEqual(shown(one, two, container('abc_api_1', 'h3', 1, [web(8090)])), { 8090: [at('h1', '10.32.0.5')] });
    assert.deepEqual(shown(two), { 8090: [at('h2', '10.32.0.6')] });
    const asked = { record: { ...one.record, request: { Labels: { ...one.record?.request.Labels, 'arpanet.proxy-protocol': 'true' } } } };
    assert.deepEqual(shown({ ...one, ...asked } as never), { 8090: [{ ...at('h1', '10.32.0.5'), isProxied: true }] });
  });

  it('of IPv6 are answered only where no container has the number at an IPv4 address, and never as another than its own', () => {
    assert.deepEqual(
      shown(
        container('abc_six_1', 'h1', 1, [web(90, '::')]),
        container('abc_four_1', 'h1', 2, [web(90)]),
        // what an Engine makes of `-p 80` once its counts for both families have drifted apart
        container('abc_q1_1', 'h3', 3, [web(91), web(92, '::')]),
        container('abc_q2_1', 'h3', 4, [web(92), web(93, '::')]),
      ),
      {
        90: [{ host: 'h1', address: '127.0.0.1', port: 90 }],
        91: [{ host: 'h3', address: '127.0.0.1', port: 91 }],
        92: [{ host: 'h3', address: '127.0.0.1', port: 92 }],
      },
    );
  });

  it('are shared by all instances of a service, and belong to the one that was there first', () => {
    assert.deepEqual(
      shown(
        container('abc_web_2', 'h2', 3, [web(80)]),
        container('xyz_web_1', 'h3', 2, [web(80)]),
        container('abc_web_1', 'h1', 1, [web(80)]),
      ),
      {
        80: [
          { host: 'h1', address: '127.0.0.1', port: 80 },
          { host: 'h2', address: '127.0.0.1', port: 80 },
        ],
      },
    );
  });

  it('are those of running containers on hosts that are alive; exposed ones and UDP are not answered', () => {
    const exposed = { PrivatePort: 80, Type: 'tcp' };
    assert.deepEqual(
      shown(
        container('abc_web_1', 'h1', 1, [web(80)], { state: { Running: false, Status: 'exited' } }),
        container('abc_web_2', 'h2', 1, [web(81)], { hostState: 'down' }),
        container('abc_dns_1', 'h3', 1, [web(53, '0.0.0.0', 'udp'), exposed]),
      ),
      {},
    );
  });
});
