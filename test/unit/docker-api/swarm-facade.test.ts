import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { connectionOf } from '../../../src/docker-api/connections.ts';
import { ids } from '../../../src/text/swarm-ids.ts';
import { facadeOf, init, join, leave, refuseHidden, unlock, update } from '../../../src/docker-api/swarm/facade.ts';
import { showSwarm } from '../../../src/docker-api/swarm/show.ts';
import { literalCluster } from '../../support/fakes/literal-cluster.ts';

const ALL = ['/swarm', '/swarm/update', '/services/create', '/nodes', '/tasks/{id}', '/secrets'];

describe('the swarm that the cluster looks like', () => {
  it('is left with force only, is not there then for the connection that left it, and comes back by an init', () => {
    const cluster = literalCluster({});
    const refuse = (path: string, connection = 'a') => refuseHidden(cluster, path, () => connection);
    refuse('/services');
    init(literalCluster({}), {}, 'a');
    assert.throws(() => leave(cluster, false, 'a'), { message: 'This node is not part of a swarm' });
    leave(cluster, true, 'a');
    for (const path of ALL)
      assert.throws(() => refuse(path), { kind: 'engine', engineStatus: 503, message: /^This node is not a swarm manager/ }, path);
    for (const path of ['/containers/json', '/networks', '/swarm/init', '/swarm/leave']) refuse(path);
    assert.throws(() => leave(cluster, true, 'a'), { message: 'This node is not part of a swarm' });
    init(cluster, { Labels: { a: 'b' } }, 'a');
    refuse('/services');
    assert.throws(() => init(cluster, {}, 'a'), { message: /^This node is already part of a swarm/ });
    assert.throws(() => leave(cluster, false, 'a'), { message: /Use `--force` to ignore this message/ });
  });

  it('is left by one, and nothing changes for others: not by the same hand the next time, and not for who had made it', () => {
    const cluster = literalCluster({});
    init(cluster, { Labels: { a: 'b' } }, 'b');
    leave(cluster, true, 'a');
    for (const path of ALL) for (const other of ['b', 'c']) refuseHidden(cluster, path, () => other);
    assert.deepEqual(facadeOf(cluster).spec, { Labels: { a: 'b' } });
    update(cluster, facadeOf(cluster).version, { Labels: { c: 'd' } }, { worker: false, manager: false });
    init(cluster, {}, 'c');
    refuseHidden(cluster, '/nodes', () => 'b');
  });

  it('is known by the client’s connection, which a follower names to the leader; a client’s own word for it counts for nothing', () => {
    const socket = {} as Socket;
    const of = (headers: Record<string, string>, by = socket) => connectionOf({ headers, socket: by });
    assert.equal(of({}), of({}));
    assert.notEqual(of({}), of({}, {} as Socket));
    assert.equal(of({ 'arpanet-connection': 'x' }), of({}));
    assert.equal(of({ 'arpanet-connection': 'x', 'arpanet-forwarded': 's1' }), 'x');
  });

  it('cannot be joined: the refusal is that of an Engine in a swarm, or without one', () => {
    const cluster = literalCluster({});
    assert.throws(() => join(cluster, 'a'), {
      kind: 'engine',
      engineStatus: 503,
      message: /^This node is already part of a swarm.*arpanet agent/,
    });
    leave(cluster, true, 'a');
    assert.throws(() => join(cluster, 'a'), { kind: 'unsupported', message: /hosts join by their agents/ });
    init(cluster, {}, 'a', { ranges: ['2.0.0.0/16'], subnetSize: 0 });
    const { DefaultAddrPool, SubnetSize } = showSwarm('c', ids, facadeOf(cluster));
    assert.deepEqual([DefaultAddrPool, SubnetSize], [['2.0.0.0/16'], 24]);
  });

  it('is not locked, once somebody has made it', () => {
    const cluster = literalCluster({});
    assert.throws(() => unlock(cluster), { kind: 'engine', engineStatus: 503, message: /^This node is not a swarm manager/ });
    init(cluster, {}, 'a');
    assert.throws(() => unlock(cluster), { kind: 'conflict', message: 'swarm is not locked' });
  });

  it('shows the settings that it was given, and other tokens after they were rotated', () => {
    const cluster = literalCluster({});
    const shown = () =>
      showSwarm('c', ids, facadeOf(cluster)) as { Version: { Index: number }; JoinTokens: { Worker: string; Manager: string } };
    assert.throws(() => update(cluster, 1, {}, { worker: true, manager: false }), { message: /^This node is not a swarm manager/ });
    leave(cluster, true, 'a');
    init(cluster, {}, 'a');
    const before = shown();
    assert.throws(() => update(cluster, 9, {}, { worker: true, manager: false }), { kind: 'invalid' });
    update(cluster, before.Version.Index, { Raft: { SnapshotInterval: 12 } }, { worker: true, manager: false });
    const after = shown();
    assert.deepEqual((after as unknown as { Spec: { Raft: object } }).Spec.Raft, { SnapshotInterval: 12 });
    assert.notEqual(after.JoinTokens.Worker, before.JoinTokens.Worker);
    assert.equal(after.JoinTokens.Manager, before.JoinTokens.Manager);
  });
});
