/** The newest Docker that can be had (Debian's unstable): its Engine among older ones, its command line, buildx and compose as clients. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { repository } from '../../support/cluster/paths.ts';
import { newestDocker } from '../../support/cluster/newest.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { recreate } from '../../support/recreate.ts';

describe('an Engine of each age', () => {
  let cluster: Cluster;
  let docker: (...args: string[]) => Promise<string>;
  before(async () => {
    cluster = await startCluster({ store: 'embedded', newest: 'h2', unified: true, engineArgs: ['--userland-proxy=false'] });
    docker = newestDocker(cluster);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  it('is spoken to in the API that all of them speak', async () => {
    const versions = await Promise.all(
      ['h1', 'h2', 'h3'].map((host) => must(cluster.engine(host, 'version', '--format', '{{.Server.APIVersion}}'))),
    );
    const oldest = versions.map((text) => text.trim()).sort()[0];
    assert.equal((await docker('version', '--format', '{{.Server.APIVersion}}')).trim(), oldest);
  });

  it('runs a container on an Engine of each age, and they find each other by name over the overlay', async () => {
    await docker('network', 'create', 'ages');
    for (const host of ['h1', 'h2', 'h3'])
      await docker(
        'run',
        '-d',
        '--name',
        `on-${host}`,
        '--network',
        'ages',
        '-e',
        `constraint:node==${host}`,
        '--stop-timeout',
        '0',
        'busybox',
        'sleep',
        '600',
      );
    const hosts = await docker('ps', '--format', '{{.Names}} {{.Label "arpanet.host"}}');
    assert.deepEqual(hosts.trim().split('\n').sort(), ['on-h1 h1', 'on-h2 h2', 'on-h3 h3']);
    for (const from of ['on-h1', 'on-h2', 'on-h3'])
      for (const to of ['on-h1', 'on-h2', 'on-h3'])
        await until(`${from} finds ${to}`, () => docker('exec', from, 'ping', '-c', '1', '-W', '5', to));
    assert.equal((await docker('exec', 'on-h2', 'echo', 'ünï')).trim(), 'ünï');
    await docker('rm', '-f', 'on-h1', 'on-h2', 'on-h3');
    await docker('network', 'rm', 'ages');
  });

  it('answers at published ports without the userland proxy, at its own and at those of every host, and finds services by their one address', async () => {
    // from 28 on an Engine drops what is routed to the address of a container that publishes a port, unless it enters by its own bridge (moby#49792)
    const ports = ['-p', 'mode=host,published=8081,target=80', '-p', '8090:80'];
    const serve = ['busybox', 'sh', '-c', 'hostname > /i; exec httpd -f -h /'];
    const made = [
      '-d',
      '--no-resolve-image',
      '--name',
      'mesh',
      '--replicas',
      '3',
      '--replicas-max-per-node',
      '1',
      '--stop-grace-period',
      '1s',
    ];
    await docker('service', 'create', ...made, ...ports, ...serve);
    const shown = () => docker('ps', '--filter', 'name=mesh-', '--format', '{{.ID}} {{.Label "arpanet.host"}}');
    const all = await until('three run', async () => {
      const lines = (await shown()).trim().split('\n');
      return lines.length !== 3 ? undefined : new Map(lines.map((line) => line.split(' ').toReversed() as [string, string]));
    });
    const answered = (calls: () => Promise<string>) => {
      const answers = new Set<string>();
      return until(`${[...all.values()].join()} answer`, async () => {
        for (const line of (await calls()).trim().split('\n')) answers.add(line);
        return [...all.values()].every((id) => answers.has(id));
      });
    };
    const curl = ['curl', '-fsS', '--max-time', '5'];
    for (const [i, { name, address }] of cluster.lab.hosts.entries()) {
      const other = cluster.lab.hosts[(i + 1) % cluster.lab.hosts.length]?.name ?? '';
      await until(`${name} answers ${other} itself`, async () => {
        const answer = await inHost(cluster, other, ...curl, `http://${address}:8081/i`);
        return answer.trim() === all.get(name);
      });
      // from no host of the cluster: what one of those asks for stays on the host that it calls
      await answered(() => must(runProgram('curl', [...curl.slice(1), `http://${address}:8090/i`])));
      const calls = 'for n in $(seq 8); do wget -qO- http://mesh/i; done';
      await answered(() => docker('exec', all.get(name) ?? '', 'sh', '-c', calls));
    }
  });

  it('an Engine that starts again puts nothing before what leads calls of published ports: others’ instances answer at its host meanwhile', async () => {
    const [, h2 = assert.fail()] = cluster.lab.hosts;
    const get = () => runProgram('curl', ['-fsS', '--max-time', '5', `http://${h2.address}:8090/i`]);
    await cluster.lab.stopEngine(h2);
    await until('its own instance is called no more', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, get));
      return answers.every(({ code }) => code === 0);
    });
    const back = new AbortController();
    const called = (async () => {
      const failed: string[] = [];
      while (!back.signal.aborted) {
        const { code, stderr } = await get();
        if (code !== 0) failed.push(stderr);
        await sleep(50);
      }
      return failed;
    })();
    await cluster.lab.startEngine(h2);
    const shown = () => docker('ps', '-q', '--filter', 'name=mesh-', '--filter', 'node=h2');
    await until('its instance runs again', async () => (await shown()).trim() !== '');
    back.abort();
    assert.deepEqual(await called, []);
    await docker('service', 'rm', 'mesh');
  });

  it('has cgroup v2 on h3, whose containers are shown with what they use as those of others', async () => {
    assert.equal((await must(cluster.engine('h3', 'info', '--format', '{{.CgroupVersion}}'))).trim(), '2');
    await docker('run', '-d', '--name', 'unified', '-e', 'constraint:node==h3', '--stop-timeout', '0', 'busybox', 'sleep', '600');
    assert.match(await docker('stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'unified'), /^unified \d+$/m);
    await docker('rm', '-f', 'unified');
  });

  it('is in the table of docs/hosts.md', async () => {
    const page = readFileSync(join(repository, 'docs', 'hosts.md'), 'utf8');
    for (const host of ['h1', 'h2', 'h3']) {
      const version = (await must(cluster.engine(host, 'version', '--format', '{{.Server.Version}}'))).trim();
      const [series = ''] = /^\d+\.\d+/.exec(version) ?? [];
      assert.match(page, new RegExp(`^\\| Docker Engine ${series.replace('.', '\\.')} .*\\| yes`, 'm'), version);
    }
  });
});

/** In the network namespace of a host. */
const inHost = ({ lab }: Cluster, host: string, ...args: string[]) =>
  must(runProgram('nsenter', [`--net=/run/netns/${lab.hosts.find(({ name }) => name === host)?.namespace ?? ''}`, ...args]));

describe('hosts that all run the newest Engine', () => {
  let cluster: Cluster;
  let docker: (...args: string[]) => Promise<string>;
  before(async () => {
    cluster = await startCluster({ store: 'embedded', newest: 'all', legacyTables: true });
    docker = newestDocker(cluster);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  it('have the rules of agents where those of the Engine are, with the legacy backend of iptables', async () => {
    const TABLES = ['filter', 'nat', 'mangle', 'raw'];
    const rules = async (program: string) =>
      (await Promise.all(TABLES.map((table) => inHost(cluster, 'h1', program, '-t', table, '-S')))).join('\n');
    await docker('run', '-d', '--name', 'ruled', '-e', 'constraint:node==h1', '--stop-timeout', '0', 'busybox', 'sleep', '600');
    await until('the rules of the agent', async () => /ARPANET/.test(await rules('iptables-legacy')));
    assert.match(await rules('iptables-legacy'), /^-N DOCKER$/m);
    assert.doesNotMatch(await rules('iptables-nft'), /ARPANET|DOCKER/);
    await docker('rm', '-f', 'ruled');
  });

  it('speak their newest API', async () => {
    const own = (await must(cluster.engine('h2', 'version', '--format', '{{.Server.APIVersion}}'))).trim();
    assert.equal((await docker('version', '--format', '{{.Server.APIVersion}}')).trim(), own);
    assert.ok(Number(own.split('.')[1]) >= 45, own);
  });

  it('put a container on several networks at once, with an address and an alias of its own in each', async () => {
    await docker('network', 'create', '--subnet', '10.200.1.0/24', 'front');
    await docker('network', 'create', '--subnet', '10.200.2.0/24', 'back');
    const nets = ['--network', 'name=front,ip=10.200.1.9,alias=endpoint', '--network', 'name=back,ip=10.200.2.9,alias=cellar'];
    await docker('run', '-d', '--name', 'both', ...nets, '--stop-timeout', '0', 'busybox', 'sleep', '600');
    assert.equal(
      (
        await docker('inspect', '-f', '{{.NetworkSettings.Networks.front.IPAddress}} {{.NetworkSettings.Networks.back.IPAddress}}', 'both')
      ).trim(),
      '10.200.1.9 10.200.2.9',
    );
    for (const [network, alias] of [
      ['front', 'endpoint'],
      ['back', 'cellar'],
    ] as const)
      await until(`${alias} is found`, () => docker('run', '--rm', '--network', network, 'busybox', 'ping', '-c', '1', '-W', '5', alias));
    await docker('rm', '-f', 'both');
    await docker('network', 'rm', 'front', 'back');
  });

  it('a container made again from its inspect is on the default network again, and a link of it leads on', async () => {
    const nap = ['--stop-timeout', '0', 'busybox', 'sleep', '600'];
    await docker('run', '-d', '--name', 'peer', '-e', 'constraint:node==h1', ...nap);
    await docker('run', '-d', '--name', 'app', '-e', 'constraint:node==h2', '-v', 'stuff:/d', '--link', 'peer:db', ...nap);
    const { was, is } = await recreate(cluster, 'app', '1.45');
    assert.deepEqual(Object.keys(is.NetworkSettings.Networks), ['bridge']);
    assert.deepEqual(is.HostConfig, was.HostConfig);
    await until('app finds its peer', () => docker('exec', 'app', 'ping', '-c', '1', '-W', '5', 'db'));
    await until('its peer finds app', () => docker('exec', 'peer', 'ping', '-c', '1', '-W', '5', 'app'));
    await docker('run', '-d', '--name', 'own', '--network', 'bridge', ...nap);
    const { is: alone } = await recreate(cluster, 'own', '1.45');
    assert.match(alone.NetworkSettings.Networks['bridge']?.IPAddress ?? '', /^172\./);
    await docker('rm', '-f', 'app', 'peer', 'own');
    await docker('volume', 'rm', 'stuff');
  });

  it('builds by buildx, and the image runs on every Engine', async () => {
    const dir = join(cluster.lab.dir, 'built');
    mkdirSync(dir);
    writeFileSync(join(dir, 'Dockerfile'), 'FROM busybox\nRUN echo built > /by\nCMD ["cat", "/by"]\n');
    await docker('build', '-t', 'by-buildx', dir);
    for (const host of ['h1', 'h2', 'h3'])
      assert.equal(await docker('run', '--rm', '-e', `constraint:node==${host}`, 'by-buildx'), 'built\n', host);
    await docker('rmi', 'by-buildx');
  });

  it('compose: up, a second up that changes nothing, scale, exec, logs, run, down, and nothing is left', async () => {
    const compose = (...args: string[]) => docker('compose', '-p', 'abc', ...args);
    await compose('up', '-d', '--build', '--scale', 'pricing=3');
    const before = await docker('ps', '-q', '--no-trunc');
    assert.equal(new Set((await docker('ps', '--format', '{{.Label "arpanet.host"}}')).trim().split('\n')).size, 3);
    await compose('up', '-d', '--scale', 'pricing=3');
    assert.equal(await docker('ps', '-q', '--no-trunc'), before);
    await until('the page is put together', async () =>
      /<li>tea price=399/.test(await compose('exec', '-T', 'web', 'wget', '-qO-', 'http://localhost/')),
    );
    assert.match(await compose('ps', '--format', 'json'), /"Service":"pricing"/);
    assert.equal(await compose('run', '--rm', '-T', '--no-deps', 'web', 'echo', 'once'), 'once\n');
    await compose('logs', '--no-color');
    await compose('down', '-v', '--rmi', 'local', '-t', '1');
    await assertNothingLeft(cluster, []);
  });
});
