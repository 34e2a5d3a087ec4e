import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ids } from '../../../src/text/swarm-ids.ts';
import { facadeOf, init, join, leave, refuseHidden, update } from '../../../src/docker-api/swarm/facade.ts';
import { showSwarm } from '../../../src/docker-api/swarm/show.ts';
import { literalCluster } from '../../support/fakes/literal-cluster.ts';

describe('the swarm that the cluster looks like', () => {
  it('is left with force only, is not there then, and comes back by an init, as of one Engine', () => {
    const cluster = literalCluster({});
    refuseHidden(cluster, '/services');
    init(literalCluster({}), {});
    assert.throws(() => leave(cluster, false), { message: 'This node is not part of a swarm' });
    leave(cluster, true);
    for (const path of ['/swarm', '/swarm/update', '/services/create', '/nodes', '/tasks/{id}', '/secrets']) {
      assert.throws(
        () => refuseHidden(cluster, path),
        { kind: 'engine', engineStatus: 503, message: /^This node is not a swarm manager/ },
        path,
      );
    }
    for (const path of ['/containers/json', '/networks', '/swarm/init', '/swarm/leave']) refuseHidden(cluster, path);
    assert.throws(() => leave(cluster, true), { message: 'This node is not part of a swarm' });
    init(cluster, { Labels: { a: 'b' } });
    refuseHidden(cluster, '/services');
    assert.throws(() => init(cluster, {}), { message: /^This node is already part of a swarm/ });
    assert.throws(() => leave(cluster, false), { message: /Use `--force` to ignore this message/ });
  });

  it('cannot be joined: the refusal is that of an Engine in a swarm, or without one', () => {
    const cluster = literalCluster({});
    assert.throws(() => join(cluster), {
      kind: 'engine',
      engineStatus: 503,
      message: /^This node is already part of a swarm.*arpanet agent/,
    });
    leave(cluster, true);
    assert.throws(() => join(cluster), { kind: 'unsupported', message: /hosts join by their agents/ });
    init(cluster, {}, { ranges: ['2.0.0.0/16'], subnetSize: 0 });
    const { DefaultAddrPool, SubnetSize } = showSwarm('c', ids, facadeOf(cluster));
    assert.deepEqual([DefaultAddrPool, SubnetSize], [['2.0.0.0/16'], 24]);
  });

  it('shows the settings that it was given, and other tokens after they were rotated', () => {
    const cluster = literalCluster({});
    const shown = () =>
      showSwarm('c', ids, facadeOf(cluster)) as { Version: { Index: number }; JoinTokens: { Worker: string; Manager: string } };
    assert.throws(() => update(cluster, 1, {}, { worker: true, manager: false }), { message: /^This node is not a swarm manager/ });
    leave(cluster, true);
    init(cluster, {});
    const before = shown();
    assert.throws(() => update(cluster, 9, {}, { worker: true, manager: false }), { kind: 'invalid' });
    update(cluster, before.Version.Index, { Raft: { SnapshotInterval: 12 } }, { worker: true, manager: false });
    const after = shown();
    assert.deepEqual((after as unknown as { Spec: { Raft: object } }).Spec.Raft, { SnapshotInterval: 12 });
    assert.notEqual(after.JoinTokens.Worker, before.JoinTokens.Worker);
    assert.equal(after.JoinTokens.Manager, before.JoinTokens.Manager);
  });
});
