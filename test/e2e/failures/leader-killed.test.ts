/** The leader dies by kill -9 in the middle of `docker-compose up`: the client, on the other scheduler, sees nothing of it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, must, runProgram, shop, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, type NetworkReport, operator } from '../../support/cluster/leftovers.ts';

describe('the leader is killed during docker-compose up', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2 });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  it('completes through the other scheduler; no container is doubled, no address given twice', async () => {
    const status = await operator<{ leader: { name: string } }>(cluster, 'status');
    const leader = cluster.schedulers.find((s) => s.name === status.leader.name);
    const follower = cluster.schedulers.find((s) => s.name !== status.leader.name);
    assert.ok(leader && follower);
    const env = { ...process.env, DOCKER_HOST: follower.endpoint };
    await must(runProgram('docker-compose', ['-f', 'fig.yml', '-p', 'abc', 'build'], { cwd: shop, env }));
    const up = runProgram('docker-compose', ['-f', 'fig.yml', '-p', 'abc', 'up', '-d', '--scale', 'pricing=4'], { cwd: shop, env });
    await until(
      'the first containers are there',
      async () => (await runProgram('docker', ['ps', '-aq'], { env })).stdout.trim() !== '',
      20_000,
    );
    await sleep(300);
    leader.process.kill('SIGKILL');
    await must(up);
    const rows = (await must(runProgram('docker', ['ps', '-a', '--format', '{{.Names}} {{.State}}'], { env }))).trim().split('\n').sort();
    assert.deepEqual(rows, [
      'abc_auth_1 running',
      'abc_catalogue_1 running',
      'abc_pricing_1 running',
      'abc_pricing_2 running',
      'abc_pricing_3 running',
      'abc_pricing_4 running',
      'abc_redis_1 running',
      'abc_web_1 running',
    ]);
    const taken = async () => {
      const networks = await operator<NetworkReport[]>(follower, 'networks');
      return networks.flatMap((network) => network.leases).filter((lease) => lease.kind === 'instance' && lease.state !== 'resting');
    };
    // what the dead leader had begun and nobody asked for again is given back by itself
    await until('as many leases as instances', async () => (await taken()).length === 8);
    const leases = await taken();
    assert.equal(new Set(leases.map((lease) => lease.ip)).size, 8);
    const held: string[] = [];
    for (const host of cluster.lab.hosts) {
      for (const id of (await must(cluster.engine(host.name, 'ps', '-q'))).split('\n').filter(Boolean)) {
        held.push(
          (await must(cluster.engine(host.name, 'inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', id))).trim(),
        );
      }
    }
    assert.deepEqual(held.sort(), leases.map((lease) => lease.ip).sort());
    await must(runProgram('docker-compose', ['-f', 'fig.yml', '-p', 'abc', 'down', '-t', '1'], { cwd: shop, env }));
    await cluster.startScheduler(cluster.schedulers.indexOf(leader));
    await assertNothingLeft(cluster, ['abc']);
  });
});
