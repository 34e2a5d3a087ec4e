/** What is left of many mixed requests, and hosts that hang. The replay against a bare engine, and a soak of ten thousand, are `npm run conformance`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { leftBy, soakCluster, soakLines } from '../../conformance/replay/soak.ts';
import { request } from '../../conformance/replay/wire.ts';
import { type Cluster, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { promisedMs } from '../../support/promised.ts';

/** Lists and sums; and what asks every host to clean up. */
const LISTS = ['/containers/json?all=1', '/containers/json?all=1&size=1', '/images/json', '/volumes', '/networks', '/info', '/system/df'];
const PRUNES = ['containers', 'images', 'volumes', 'networks', 'build'].map((kind) => `POST /${kind}/prune`);
const NAMED = /host h2: |Host h2 /;
const SOAKED = Number(process.env['ARPANET_SOAK'] ?? 300);

describe('a cluster under rude clients', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2, hosts: 2, mixed: false, logLevel: 'warn' });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  it(`leader, follower and agents hold no socket, timer or memory of ${SOAKED} mixed requests`, async (t) => {
    const soaked = await soakCluster(cluster, SOAKED);
    for (const line of soakLines(soaked)) t.diagnostic(line);
    assert.deepEqual(leftBy(soaked), []);
  });

  for (const what of ['Engine', 'agent'] as const) {
    it(`a host whose ${what} hangs delays no list, sum or prune by more than two seconds, and is named`, async () => {
      await must(cluster.docker('run', '-d', '--name', `on-${what}`, '--label', 'arpanet.constraints=["node.name==h2"]', 'busybox', 'top'));
      const host = cluster.lab.hosts.find(({ name }) => name === 'h2') ?? assert.fail();
      const pid = what === 'agent' ? cluster.agents.get('h2')?.pid : cluster.lab.enginePid(host);
      assert.ok(pid);
      process.kill(pid, 'SIGSTOP');
      try {
        for (const path of [...LISTS, ...PRUNES]) {
          const [method = '', target = ''] = path.includes(' ') ? path.split(' ') : ['GET', path];
          const started = Date.now();
          const answer = await request(cluster.endpoint, method, target);
          const ms = Date.now() - started;
          assert.equal(answer.status, 200, path);
          assert.ok(ms < promisedMs(2_600), `${path} took ${ms} ms`);
        }
        // from the view: named once the silence has lasted some seconds
        for (const path of LISTS) {
          const isNamed = async () => NAMED.test(String((await request(cluster.endpoint, 'GET', path)).headers['warning']));
          await until(`${path} names the host`, isNamed);
        }
        const { Warnings } = JSON.parse((await request(cluster.endpoint, 'GET', '/info')).body.toString()) as { Warnings: string[] | null };
        assert.match(String(Warnings), NAMED);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      const isForgotten = async () => (await request(cluster.endpoint, 'GET', '/containers/json')).headers['warning'] === undefined;
      await until('it is named no longer', isForgotten, 30_000);
      await must(cluster.docker('rm', '-f', `on-${what}`));
    });
  }
});
