/** The store is lost for good while containers run on some hosts. It is rebuilt from the hosts, and from a backup. Whole with Consul; with the embedded store what a store has a part in. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, startCluster, until } from '../cluster/cluster.ts';
import { assertNothingLeft, operator } from '../cluster/leftovers.ts';

const PROJECT = `
services:
  web:
    image: busybox
    command: sleep 10000
    stop_grace_period: 1s
    depends_on: [db]
    networks: [front, back]
  db:
    image: busybox
    command: sleep 10000
    stop_grace_period: 1s
    networks: { back: { aliases: [store] } }
    volumes: [data:/data]
networks: { front: {}, back: {} }
volumes: { data: {} }
`;

export function recoverySuite(store: 'consul' | 'embedded'): void {
  const isWhole = store === 'consul';
  describe(`a lost store (${store})`, () => {
    let cluster: Cluster;
    let dir = '';
    let first: Awaited<ReturnType<typeof picture>>;
    let epochBefore = 0;
    before(async () => {
      cluster = await startCluster({ store, hosts: isWhole ? 3 : 2 });
      dir = join(cluster.lab.dir, 'project');
      mkdirSync(dir);
      writeFileSync(join(dir, 'compose.yml'), PROJECT);
      writeFileSync(join(cluster.lab.dir, 'token'), 'a-token-for-tests\n');
      await must(cluster.composeV2(dir, '-p', 'abc', 'up', '-d', '--scale', 'web=2'));
      await must(cluster.docker('run', '-d', '--name', 'plain', '--stop-timeout', '1', 'busybox', 'sleep', '10000'));
      await must(cluster.docker('network', 'create', '--subnet', '10.99.0.0/24', '--aux-address', 'printer=10.99.0.9', 'unused'));
      await must(cluster.arpanet('scale', 'abc/web=3'));
      first = await picture();
      const scaled = first.containers.find(({ Name }) => Name === '/abc-web-3');
      assert.deepEqual(
        Object.keys(scaled?.on ?? {}).sort(),
        ['abc_back', 'abc_front'],
        'an instance of ours joins all networks of its service',
      );
      epochBefore = (await operator<{ leader: { epoch: number } }>(cluster, 'status')).leader.epoch;
      await until('hosts keep a copy', () => /unused/.test(kept()) && /"desired":3/.test(kept()));
    });
    after(() => cluster?.[Symbol.asyncDispose]());

    const kept = (): string => readFileSync(join(cluster.lab.hosts[0]?.dir ?? '', 'agent', 'kept.json'), 'utf8');
    const storeUrl = () =>
      cluster.consul === undefined ? `embedded:${join(cluster.lab.dir, 'store')}` : `consul://${cluster.consul.http}`;
    const backup = () => join(cluster.lab.dir, 'cluster.backup');
    const gateway = (host: number) => `${cluster.lab.hosts[host]?.address}:2376`;
    const recover = (...more: string[]) =>
      cluster.arpanet('recover', gateway(0), '--store', storeUrl(), '--token-file', join(cluster.lab.dir, 'token'), ...more);
    /** What clients see, but for what time changes. */
    async function picture() {
      const ids = (await must(cluster.docker('ps', '-aq', '--no-trunc'))).trim().split('\n').sort();
      const inspected = JSON.parse(await must(cluster.docker('inspect', ...ids))) as {
        Id: string;
        Name: string;
        Node: { Name: string };
        Config: { Labels: Record<string, string> };
        NetworkSettings: { Networks: Record<string, { IPAddress: string; NetworkID: string; Aliases: string[] | null }> };
      }[];
      const networks = JSON.parse(await must(cluster.docker('network', 'inspect', 'abc_front', 'abc_back', 'unused'))) as Record<
        string,
        unknown
      >[];
      return {
        containers: inspected.map(({ Id, Name, Node, Config, NetworkSettings }) => ({
          Id,
          Name,
          host: Node.Name,
          // only the store knew why it was placed there
          labels: { ...Config.Labels, 'arpanet.placement': '' },
          on: NetworkSettings.Networks,
        })),
        networks: networks.map(({ Id, Name, IPAM, Labels, Created }) => ({ Id, Name, IPAM, Labels, Created })),
        volumes: (await must(cluster.docker('volume', 'ls', '--format', '{{.Name}}'))).trim(),
        services: await operator<{ desired: number }[]>(cluster, 'services').then((all) =>
          all.map((one) => ({ ...one, instances: undefined, trouble: undefined })),
        ),
        addresses: (await operator<{ leases: { state: string; ip: string; owner: string }[] }[]>(cluster, 'networks'))
          .flatMap(({ leases }) => leases.flatMap(({ state, ip, owner }) => (state === 'resting' ? [] : [`${ip} ${owner}`])))
          .sort(),
      };
    }
    async function loseTheStore(): Promise<void> {
      for (const { process } of cluster.schedulers) {
        process.kill('SIGKILL');
        await endProcess(process);
      }
      for (const consul of cluster.consuls) {
        await consul.kill();
        await consul.revive(); // in dev mode: empty
      }
      if (cluster.consul === undefined) rmSync(join(cluster.lab.dir, 'store'), { recursive: true });
    }
    async function allIsThere(): Promise<void> {
      await cluster.startScheduler(0);
      await until('all hosts are alive', async () => {
        const states = (await operator<{ state: string }[]>(cluster, 'hosts')).map(({ state }) => state);
        return states.length > 0 && states.every((state) => state === 'alive');
      });
      await until('an audit finds nothing', async () => (await operator<{ findings: unknown[] }>(cluster, 'audit')).findings.length === 0);
      assert.deepEqual(await picture(), first);
      await namesAnswer();
    }
    async function namesAnswer(): Promise<void> {
      const web = first.containers.find(({ Name }) => Name === '/abc-web-1')?.Id ?? '';
      const on = first.containers.find(({ Id }) => Id === web)?.host ?? '';
      for (const name of ['db', 'store'])
        await until(`${name} is found`, async () => (await cluster.engine(on, 'exec', web, 'ping', '-c', '1', '-W', '5', name)).code === 0);
    }

    it('backs all of it up', async () => {
      await must(cluster.arpanet('backup', backup()));
      assert.equal(statSync(backup()).mode & 0o777, 0o600);
    });

    if (isWhole)
      it('a scheduler on the empty store takes no host that belongs to another cluster, and names go on', async () => {
        await loseTheStore();
        await cluster.startScheduler(0);
        const log = join(cluster.lab.dir, 's1.log');
        await until('it says so', () => /in use of cluster .* is the state store lost/.test(readFileSync(log, 'utf8')));
        assert.deepEqual(await operator<unknown[]>(cluster, 'hosts'), []);
        await namesAnswer();
        const refused = await recover('--trust-labels');
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /s1 is the leader on this store: stop all schedulers first/);
      });

    if (isWhole)
      it('is recovered from the hosts: same containers, addresses, networks, services and names; above every epoch that a host saw', async () => {
        await loseTheStore();
        const plan = await must(recover('--plan'));
        assert.match(plan, /container {2}abc-web-1 on h\d: 1\.web\.abc, 10\.32\.\d+\.\d+ in abc_\w+, 10\.32/);
        assert.match(plan, /network {4}unused 10\.99\.0\.0\/24/);
        assert.match(plan, /service {4}abc\/web, 3 wanted/);
        assert.ok(!/^(note|refused)/m.test(plan), plan);
        assert.match(plan, /^unproven: only labels say what container plain is, and nothing proves them$/m);
        const unproven = await recover();
        assert.equal(unproven.code, 1);
        assert.match(unproven.stderr, /nothing proves what the labels of \d containers say \(.*plain.*--backup FILE.*--trust-labels/);
        await must(recover('--trust-labels'));
        const again = await recover('--trust-labels');
        assert.match(again.stderr, /holds \d+ records of a cluster: use --force/);
        await allIsThere();
        const { leader } = await operator<{ leader: { epoch: number } }>(cluster, 'status');
        assert.ok(leader.epoch > epochBefore + 1000, `epoch ${leader.epoch}`);
      });

    it('is recovered from the hosts with the key in a backup, which proves what the labels say', async () => {
      await loseTheStore();
      const plan = await must(recover('--backup', backup()));
      assert.ok(!/^(note|refused|unproven)/m.test(plan), plan);
      await allIsThere();
      const { leader } = await operator<{ leader: { epoch: number } }>(cluster, 'status');
      assert.ok(leader.epoch > epochBefore, `epoch ${leader.epoch}`);
    });

    if (isWhole)
      it('is not restored from a backup that was cut or changed', async () => {
        const text = readFileSync(backup(), 'utf8');
        const bad = join(cluster.lab.dir, 'bad.backup');
        for (const [broken, why] of [
          [text.slice(0, -200), /not whole|checksum/],
          [text.replace('abc-web-1', 'abc-web-9'), /checksum does not fit/],
          ['{"services": {}}\n', /no backup of arpanet/],
        ] as const) {
          writeFileSync(bad, broken);
          const { code, stderr } = await cluster.arpanet('restore', bad, '--store', storeUrl());
          assert.equal(code, 2, stderr);
          assert.match(stderr, why);
        }
      });

    it('is restored from a backup', async () => {
      await loseTheStore();
      await must(cluster.arpanet('restore', backup(), '--store', storeUrl()));
      await allIsThere();
    });

    it('goes on: compose finds its own, scales, and takes all down again', async () => {
      const ids = async () => (await must(cluster.docker('ps', '-aq', '--no-trunc'))).trim().split('\n').sort();
      const there = await ids();
      await must(cluster.composeV2(dir, '-p', 'abc', 'up', '-d', '--scale', 'web=3'));
      assert.deepEqual(await ids(), there, 'nothing was made anew');
      await must(cluster.composeV2(dir, '-p', 'abc', 'up', '-d', '--scale', 'web=4'));
      assert.equal((await ids()).length, there.length + 1);
      const addresses = new Set((await picture()).addresses);
      assert.equal(addresses.size, (await picture()).addresses.length);
      await must(cluster.docker('network', 'rm', 'unused'));
      await must(cluster.docker('rm', '-f', 'plain'));
      await must(cluster.composeV2(dir, '-p', 'abc', 'down', '-v'));
      await assertNothingLeft(cluster, ['abc']);
    });
  });
}
