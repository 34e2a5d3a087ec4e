/** Published ports of the services API: which every host answers for, which numbers they get, and who has them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isMeshed,
  portsTaken,
  publishedParts,
  refuseClusterPorts,
  refuseTaken,
  withNumbers,
} from '../../../src/docker-api/swarm/published.ts';
import { requestOf, warningsOf } from '../../../src/docker-api/swarm/spec.ts';
import type { PortConfig, ServiceSpec } from '../../../src/docker-api/swarm/types.ts';
import type { CreateRequest, HostView, ServiceView } from '../../../src/model/index.ts';

const spec = (...Ports: PortConfig[]): ServiceSpec => ({ Name: 'web', EndpointSpec: { Ports } });
const view = (service: string, request: CreateRequest) => ({ deployment: 'abc', service, template: { request } }) as unknown as ServiceView;
const host = (state: HostView['state'], answersPorts?: true) =>
  ({ state, facts: { ...(answersPorts && { answersPorts }) } }) as unknown as HostView;

describe('published ports of docker service', () => {
  it('of mode ingress are answered by every host, where all that are alive can; of mode host by the instances’ own', () => {
    assert.deepEqual([[host('alive', true), host('down')], [host('alive', true), host('alive')], []].map(isMeshed), [true, false, false]);
    const ports = spec(
      { TargetPort: 80, PublishedPort: 8080 },
      { TargetPort: 53, PublishedPort: 53, Protocol: 'udp', PublishMode: 'ingress' },
      { TargetPort: 9000, PublishedPort: 9000, PublishMode: 'host' },
      { TargetPort: 7, PublishedPort: 7, Protocol: 'sctp' },
    );
    const { Labels, ExposedPorts, HostConfig } = requestOf(ports, { deployment: 'default', service: 'web' }, [], {}, true);
    assert.equal(Labels?.['arpanet.ingress'], '8080:80/tcp,53:53/udp');
    assert.deepEqual(Object.keys(ExposedPorts ?? {}), ['9000/tcp', '7/sctp']);
    assert.deepEqual(HostConfig?.PortBindings, { '9000/tcp': [{ HostPort: '9000' }], '7/sctp': [{ HostPort: '7' }] });
    const onHosts = publishedParts(ports, false);
    assert.deepEqual([onHosts.label, Object.keys(onHosts.bindings ?? {})], [undefined, ['80/tcp', '53/udp', '9000/tcp', '7/sctp']]);
    assert.equal(warningsOf(ports, true).length, 1, 'for SCTP');
    assert.deepEqual(warningsOf(spec({ TargetPort: 80 }), true), []);
  });

  it('get a number from 30000 where they have none, and keep it', () => {
    const open = spec({ TargetPort: 80 }, { TargetPort: 81, PublishedPort: 30_001 }, { TargetPort: 82, PublishMode: 'host' });
    const numbers = (made: ServiceSpec) => made.EndpointSpec?.Ports?.map(({ PublishedPort }) => PublishedPort);
    const made = withNumbers(open, undefined, (key) => key === '30000/tcp');
    assert.deepEqual(numbers(made), [30_002, 30_001, undefined]);
    assert.deepEqual(numbers(withNumbers(open, made, () => false)), [30_002, 30_001, undefined]);
  });

  it('are none of the cluster’s own, where every host would answer', () => {
    const refuse = (PublishedPort: number, Protocol: string, PublishMode = 'ingress') =>
      refuseClusterPorts(spec({ TargetPort: 80, PublishedPort, Protocol, PublishMode }), [7375]);
    const said = (port: number, use: string) => ({
      message: `rpc error: code = InvalidArgument desc = port '${port}' is already in use: ${use}`,
    });
    for (const protocol of ['tcp', 'udp']) assert.throws(() => refuse(53, protocol), said(53, 'the cluster has it for DNS on every host'));
    assert.throws(() => refuse(4789, 'udp'), said(4789, 'the cluster has it for VXLAN on every host'));
    for (const port of [7374, 7376, 7377])
      assert.throws(() => refuse(port, 'udp'), said(port, 'the cluster has it for WireGuard on every host'));
    for (const port of [2375, 2376, 7375])
      assert.throws(() => refuse(port, 'tcp'), said(port, 'Docker, agents, schedulers or the proxies of HTTP by name have it'));
    refuse(4789, 'tcp');
    refuse(7375, 'udp');
    refuse(53, 'udp', 'host');
  });

  it('are one service’s: the second is told who has it, in a manager’s words', () => {
    const views = [
      view('mesh', { Labels: { 'arpanet.ingress': '8080:80' } }),
      view('alone', { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '9090' }] } } }),
    ];
    const refuse = (service: string, port: PortConfig, isOnAllHosts = true) =>
      refuseTaken(spec(port), isOnAllHosts, portsTaken(views, { deployment: 'abc', service }), ({ service: name }) => `id-${name}`);
    const said = (name: string, port: number, mode: string) =>
      `rpc error: code = InvalidArgument desc = port '${port}' is already in use by service 'abc_${name}' (id-${name}) as ${mode} port`;
    const second = { TargetPort: 80, PublishedPort: 8080 };
    assert.throws(() => refuse('web', second), { message: said('mesh', 8080, 'an ingress') });
    assert.throws(() => refuse('web', { ...second, PublishMode: 'host' }), { message: said('mesh', 8080, 'an ingress') });
    assert.throws(() => refuse('web', { TargetPort: 80, PublishedPort: 9090 }), { message: said('alone', 9090, 'a host-published') });
    refuse('mesh', second);
    refuse('web', { ...second, Protocol: 'udp' });
    refuse('web', { TargetPort: 80, PublishedPort: 9090, PublishMode: 'host' });
    refuse('web', { TargetPort: 80, PublishedPort: 9090 }, false);
  });
});
