import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { portWarnings } from '../../../src/scheduler/networks/port-claims.ts';
import { choosePorts, type PortHolders, type PortQuestion, withChosen } from '../../../src/scheduler/placement/choose-ports.ts';
import { heldBy } from '../../../src/scheduler/placement/host-ports.ts';
import type { HostSnapshot, PlacedContainer, PlacementRequest } from '../../../src/scheduler/placement/snapshot.ts';
import { hostSnapshot, placedContainer } from '../../support/fakes/literal-placement.ts';

const container = (name: string, hostPorts: readonly string[], state: PlacedContainer['state'] = 'running') =>
  placedContainer(name, { hostPorts, state });
const host = (name: string, ...containers: readonly PlacedContainer[]) => hostSnapshot(name, { containers });
const holdersOn =
  (hosts: readonly HostSnapshot[]): PortHolders =>
  (port, protocol) =>
    hosts.flatMap(({ name, containers }) =>
      containers
        .filter((one) => heldBy(one).some((held) => held.protocol === protocol && held.from <= port && port <= held.to))
        .map((one) => ({ host: name, container: one })),
    );
const range = { '80/tcp': [{ HostIp: '', HostPort: '9090-9092' }] };
const chosen = ({ hosts = [], ...more }: Partial<PortQuestion> & { readonly hosts?: readonly HostSnapshot[] }) => {
  const { chosen: ports, isExhausted } = choosePorts({
    bindings: range,
    exposed: [],
    holders: holdersOn(hosts),
    host: 'h1',
    isAtOneAddress: true,
    random: () => 0,
    ...more,
  });
  return isExhausted ? 'exhausted' : ports;
};

describe('ports that a client leaves open', () => {
  it('of a range are three different ones in the cluster, and then none', () => {
    const hosts = [
      host('h1'),
      host('h2', container('a', ['0.0.0.0:9090/tcp'])),
      host('h3', container('b', ['0.0.0.0:9092/tcp'], 'created')),
    ];
    assert.deepEqual(chosen({ hosts }), { '80/tcp': ['9091'] });
    const full = [...hosts, host('h4', container('c', ['0.0.0.0:9091/tcp']))];
    assert.equal(chosen({ hosts: full }), 'exhausted');
    assert.deepEqual(chosen({ hosts: full, replaces: 'c' }), { '80/tcp': ['9091'] });
    // without an endpoint each host answers for itself: other numbers while there are any
    assert.deepEqual(chosen({ hosts, isAtOneAddress: false }), { '80/tcp': ['9091'] });
    assert.deepEqual(chosen({ hosts: full, isAtOneAddress: false }), { '80/tcp': ['9090'] });
  });

  it('of a range are those of a stopped container last', () => {
    const hosts = [host('h1', container('a', ['0.0.0.0:9090/tcp'], 'stopped')), host('h2', container('b', ['0.0.0.0:9091/tcp']))];
    assert.deepEqual(chosen({ hosts }), { '80/tcp': ['9092'] });
    const more = [...hosts, host('h3', container('c', ['0.0.0.0:9092/tcp']))];
    assert.deepEqual(chosen({ hosts: more }), { '80/tcp': ['9090'] });
  });

  it('without a number are chosen where one address answers for all hosts, clear of what connections use', () => {
    const open = {
      '80/tcp': [{ HostPort: '' }],
      '81/tcp': [{ HostPort: '0' }],
      '53/udp': [{ HostPort: '' }],
      '82/tcp': [{ HostPort: '7000' }],
    };
    const hosts = [host('h2', container('a', ['0.0.0.0:20000/tcp', '0.0.0.0:20001/tcp']))];
    const ports = { '80/tcp': ['20002'], '81/tcp': ['20003'], '53/udp': ['20000'], '82/tcp': ['7000'] };
    assert.deepEqual(chosen({ bindings: open, hosts }), ports);
    assert.equal(chosen({ bindings: open, hosts, isAtOneAddress: false }), undefined);
    const last = chosen({
      bindings: { '80/tcp': [{ HostPort: '' }] },
      hosts: [host('h2', container('a', ['0.0.0.0:32767/tcp']))],
      random: () => 0.99999,
    });
    assert.deepEqual(last, { '80/tcp': ['20000'] });
  });

  it('of -P are those that the image exposes, too', () => {
    assert.deepEqual(chosen({ bindings: { '80/tcp': [{ HostPort: '8080' }] }, exposed: ['80/tcp', '443/tcp'] }), {
      '80/tcp': ['8080'],
      '443/tcp': ['20000'],
    });
  });

  it('are left alone where nothing is open', () => {
    assert.equal(chosen({ bindings: { '80/tcp': [{ HostPort: '8080' }], '81/tcp': null } }), undefined);
    assert.equal(chosen({ bindings: null }), undefined);
  });

  it('go to the Engine in the place of what was sent, with the address', () => {
    const sent = { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '9090-9092' }, { HostPort: '7' }], '81/tcp': null };
    assert.deepEqual(withChosen(sent, { '80/tcp': ['9091', '7'], '443/tcp': ['20000'] }), {
      '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '9091' }, { HostPort: '7' }],
      '81/tcp': null,
      '443/tcp': [{ HostPort: '20000' }],
    });
  });
});

describe('a fixed port that others publish on other hosts', () => {
  const request = { deployment: 'two', service: 'web', hostPorts: ['0.0.0.0:8000/tcp'] } as unknown as PlacementRequest;
  it('is said in the answer to the create, with who and where', () => {
    const hosts = [host('h1', container('one_web_1', ['0.0.0.0:8000/tcp'])), host('h2')];
    assert.deepEqual(portWarnings(request, holdersOn(hosts), 'h2'), [
      'port 8000/tcp is published by one_web_1 on host h1, too: this container answers at host h2 only',
    ]);
  });
  it('is no news of the same service, of another address, of a stopped container', () => {
    const mate = { ...container('two_web_1', ['0.0.0.0:8000/tcp']), deployment: 'two', service: 'web' };
    for (const other of [
      mate,
      container('x', ['0.0.0.0:8000/udp']),
      container('x', ['0.0.0.0:8000/tcp'], 'stopped'),
      container('x', ['0.0.0.0:800/tcp']),
    ])
      assert.deepEqual(portWarnings(request, holdersOn([host('h1', other), host('h2')]), 'h2'), []);
  });
});
