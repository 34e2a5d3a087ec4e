/** The acceptance test: examples/shop on three real engines. Whole with Consul; with the embedded store what a store has a part in. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, type ClusterOptions, must, runProgram, shop, startCluster, until } from '../cluster/cluster.ts';
import { assertNothingLeft, type NetworkReport, operator } from '../cluster/leftovers.ts';
import { warningsOf } from '../cluster/kept-logs.ts';

export function describeShop(store: ClusterOptions['store']): void {
  const isWhole = store === 'consul';
  describe(`the shop on three hosts, ${store} store`, () => {
    let cluster: Cluster;
    before(async () => {
      cluster = await startCluster({ store, schedulers: store === 'consul' ? 2 : 1 });
    });
    after(() => cluster?.[Symbol.asyncDispose]());

    const ids = async (...filters: string[]) =>
      (await must(cluster.docker('ps', '-q', '--no-trunc', ...filters.flatMap((f) => ['--filter', `label=${f}`]))))
        .split('\n')
        .filter(Boolean);
    const of = (project: string, service: string) => [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`];
    const addresses = async (project: string, service: string) => {
      const out = await Promise.all(
        (await ids(...of(project, service))).map((id) =>
          must(cluster.docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}', id)),
        ),
      );
      return out.map((text) => text.trim()).sort();
    };
    /** All IPv4 answers that a container's own resolver gives for a name. */
    const resolve = async (container: string, name: string) => {
      const { stdout } = await cluster.docker('exec', container, 'nslookup', name);
      return [
        ...new Set(
          [
            ...stdout
              .split(/Name:/)
              .slice(1)
              .join('')
              .matchAll(/Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)/g),
          ].map((m) => m[1] ?? ''),
        ),
      ].sort();
    };

    /** It runs before it listens, and before all that it asks does. */
    const pageOf = (container: string) =>
      until(`${container} shows its page`, async () => must(cluster.docker('exec', container, 'wget', '-qO-', 'http://localhost/')));

    it('comes up by docker-compose 1.29.2 with a fig.yml, and every host gets containers', async () => {
      const asking = setInterval(() => {
        for (const version of ['', '/v1.24', '/v1.41']) void fetch(`${cluster.url}${version}/info`).catch(() => undefined);
      }, 100);
      const up = await cluster.composeV1(shop, '-f', 'fig.yml', '-p', 'abc', 'up', '-d').finally(() => clearInterval(asking));
      assert.equal(up.code, 0, up.stderr);
      assert.doesNotMatch(up.stderr, /swarm/i, 'warns of a swarm after another client asked');
      await must(cluster.composeV1(shop, '-f', 'fig.yml', '-p', 'abc', 'scale', 'pricing=4'));
      const rows = (await must(cluster.docker('ps', '--format', '{{.Label "arpanet.host"}} {{.Names}}'))).trim().split('\n');
      assert.equal(rows.length, 8, rows.join('\n'));
      assert.deepEqual([...new Set(rows.map((row) => row.split(' ')[0] ?? ''))].sort(), ['h1', 'h2', 'h3']);
      const pricing = rows.filter((row) => row.includes('pricing')).map((row) => row.split(' ')[0]);
      assert.equal(new Set(pricing).size, 3, `four copies on three hosts: ${pricing.join(' ')}`);
    });

    it('puts the page together over HTTP by short hostnames', async () => {
      const page = await pageOf('abc_web_1');
      assert.match(page, /user=ada session=\d+ by=/);
      assert.match(page, /<li>tea price=399 by=\w+<\/li>/);
      assert.match(page, /data-visits="\d+"/);
    });

    if (isWhole)
      it('serves the published port on the host where web landed', async () => {
        const host = (await must(cluster.docker('ps', '--filter', 'name=^/abc_web_1$', '--format', '{{.Label "arpanet.host"}}'))).trim();
        const port = /:(\d+)$/.exec((await must(cluster.docker('port', 'abc_web_1', '80'))).trim().split('\n')[0] ?? '')?.[1];
        const address = cluster.lab.hosts.find((h) => h.name === host)?.address;
        const page = await (await fetch(`http://${address}:${port}/`)).text();
        assert.match(page, /<h1>shop<\/h1>/);
      });

    if (isWhole)
      it('answers by every pricing instance, each its share of 200 requests', async () => {
        for (const number of [1, 2, 3, 4]) await pageOf(`abc_pricing_${number}`);
        const script = 'i=0; while [ $i -lt 200 ]; do wget -qO- "http://pricing/?item=tea" | sed "s/.*by=//"; i=$((i+1)); done';
        const answers = (await must(cluster.docker('exec', 'abc_catalogue_1', 'sh', '-c', script))).trim().split('\n');
        assert.equal(answers.length, 200);
        const shares = new Map<string, number>();
        for (const by of answers) shares.set(by, (shares.get(by) ?? 0) + 1);
        assert.equal(shares.size, 4, [...shares].join(' '));
        for (const [by, count] of shares) assert.ok(count >= 20 && count <= 90, `${by} answered ${count} of 200`);
      });

    if (isWhole)
      it('resolves pricing to all its healthy instances and only those, with busybox and with glibc resolvers', async () => {
        const wanted = await addresses('abc', 'pricing');
        assert.equal(wanted.length, 4);
        assert.deepEqual(await resolve('abc_web_1', 'pricing.abc.service.consul'), wanted);
        const glibc = (await must(cluster.docker('exec', 'abc_redis_1', 'getent', 'ahostsv4', 'pricing'))).trim().split('\n');
        assert.deepEqual([...new Set(glibc.map((line) => line.split(' ')[0] ?? ''))].sort(), wanted);
        assert.deepEqual(await resolve('abc_redis_1', '2.pricing.abc.service.consul'), [await addressOf('abc_pricing_2')]);
        const second = (await must(cluster.docker('exec', 'abc_redis_1', 'getent', 'ahostsv4', '2.pricing'))).trim().split(/\s+/)[0];
        assert.equal(second, await addressOf('abc_pricing_2'));
        await must(cluster.docker('exec', 'abc_web_1', 'ping', '-c', '1', '-W', '5', 'abc_pricing_3'));
      });
    const addressOf = async (name: string) =>
      (await must(cluster.docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name))).trim();

    it('answers exactly the running instances through Consul’s DNS', async () => {
      const port = cluster.consul?.dns ?? cluster.dnsPort;
      const dig = async (name: string) =>
        (await must(runProgram('dig', ['+short', '+tcp', '@127.0.0.1', '-p', String(port), name])))
          .trim()
          .split('\n')
          .filter(Boolean)
          .sort();
      assert.deepEqual(await dig('pricing.abc.service.consul'), await addresses('abc', 'pricing'));
      await must(cluster.docker('stop', '-t', '1', 'abc_pricing_4'));
      assert.deepEqual(await dig('pricing.abc.service.consul'), await addresses('abc', 'pricing'), 'out before the stop was answered');
      await must(cluster.docker('start', 'abc_pricing_4'));
      await until('the fourth is back', async () => (await dig('pricing.abc.service.consul')).length === 4);
      if (cluster.consul !== undefined) {
        const entries = (await (await fetch(`http://${cluster.consul.http}/v1/catalog/service/pricing.abc`)).json()) as {
          ServiceID: string;
          ServiceAddress: string;
        }[];
        assert.deepEqual(entries.map((entry) => entry.ServiceID).sort(), [
          '1.pricing.abc',
          '2.pricing.abc',
          '3.pricing.abc',
          '4.pricing.abc',
        ]);
        assert.deepEqual(entries.map((entry) => entry.ServiceAddress).sort(), await addresses('abc', 'pricing'));
      }
    });

    if (isWhole)
      it('runs a second deployment beside it: own subnet, own names, no ping between the two, no name leaks', async () => {
        await must(cluster.composeV2(shop, '-p', 'xyz', 'up', '-d', '--build', '--scale', 'pricing=3'));
        const networks = await operator<NetworkReport[]>(cluster, 'networks');
        const abc = networks.find((n) => n.name === 'abc_default');
        const xyz = networks.find((n) => n.name === 'xyz_default');
        assert.ok(abc && xyz && abc.cidr !== xyz.cidr);
        const pricing = (await addresses('xyz', 'pricing')).join();
        await until('its own are found', async () => (await resolve('xyz-web-1', 'pricing.xyz.service.consul')).join() === pricing);
        for (const address of [...(await addresses('xyz', 'pricing')), ...(await addresses('xyz', 'redis'))]) {
          const { code } = await cluster.docker('exec', 'abc_web_1', 'ping', '-c', '1', '-W', '1', address);
          assert.notEqual(code, 0, `abc_web_1 reaches ${address} of xyz`);
        }
        assert.deepEqual(await resolve('abc_web_1', 'pricing.xyz.service.consul'), []);
        assert.deepEqual(await resolve('abc_web_1', 'xyz-pricing-1'), []);
        assert.match(await pageOf('xyz-web-1'), /<li>cake price=/);
      });

    if (isWhole)
      it('changes nothing on a second docker compose up, and serves logs, exec, ps and run', async () => {
        const before = (await ids('com.docker.compose.project=xyz')).sort();
        const again = await cluster.composeV2(shop, '-p', 'xyz', 'up', '-d', '--scale', 'pricing=3');
        assert.equal(again.code, 0, again.stderr);
        assert.deepEqual((await ids('com.docker.compose.project=xyz')).sort(), before);
        assert.doesNotMatch(again.stderr, /Recreate|Created/);
        const ps = await must(cluster.composeV2(shop, '-p', 'xyz', 'ps', '--format', '{{.Name}}'));
        assert.equal(ps.trim().split('\n').length, 7);
        assert.equal((await must(cluster.composeV2(shop, '-p', 'xyz', 'exec', '-T', 'web', 'echo', 'hello'))).trim(), 'hello');
        const oneOff = await must(
          cluster.composeV2(shop, '-p', 'xyz', 'run', '--rm', '-T', '--no-deps', 'web', 'wget', '-qO-', 'http://pricing/?item=tea'),
        );
        assert.match(oneOff, /price=399 by=/);
        assert.match(await must(cluster.composeV2(shop, '-p', 'xyz', 'logs', 'redis')), /Ready to accept connections/);
      });

    it('leaves nothing after down: no lease, subnet, name, network, VXLAN device or container', async () => {
      if (isWhole) await must(cluster.composeV2(shop, '-p', 'xyz', 'down', '-v', '-t', '1'));
      await must(cluster.composeV1(shop, '-f', 'fig.yml', '-p', 'abc', 'down', '-v', '-t', '1'));
      await assertNothingLeft(cluster, ['abc', 'xyz']);
    });

    if (isWhole)
      it('takes the v3 file by docker-compose 1.29.2 as well', async () => {
        await must(cluster.composeV1(shop, '-p', 'v3', 'up', '-d'));
        assert.match(await pageOf('v3_web_1'), /<li>tea price=399/);
        await must(cluster.composeV1(shop, '-p', 'v3', 'down', '-v', '-t', '1'));
        await assertNothingLeft(cluster, ['v3']);
      });

    it('has written no warning and no error in all this', () => {
      assert.deepEqual(warningsOf(cluster), []);
    });
  });
}
