/** Names: in when it runs, out before it stops, out when it dies or its host is lost; healthy instances first; for every libc; true again after any restart. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, operator } from '../../support/cluster/leftovers.ts';
import { deploymentOfProject, dnsLabel } from '../../../src/model/index.ts';
import { repository } from '../../support/cluster/paths.ts';

describe('names of containers', () => {
  let cluster: Cluster;
  let scratch: string;
  const servers: ChildProcess[] = [];
  /** A DNS server on a host that knows these names, `solo` or `intranet.corp.example`, by their addresses. */
  const startDns = (host: string, listen: string, names: Readonly<Record<string, string>>, port = 53): void => {
    const on = cluster.lab.hosts.find(({ name }) => name === host);
    assert.ok(on);
    // `local`: other types than A are not asked elsewhere
    const known = Object.entries(names).flatMap(([name, address]) => [`--host-record=${name},${address}`, `--local=/${name}/`]);
    const plain = [
      '--keep-in-foreground',
      '--no-resolv',
      '--no-hosts',
      '--conf-file=/dev/null',
      '--pid-file=',
      '--user=root',
      '--bind-interfaces',
    ];
    servers.push(cluster.lab.spawnIn(on, 'dnsmasq', [...plain, `--listen-address=${listen}`, `--port=${port}`, ...known]));
  };
  before(async () => {
    // each host asks a server of its own, as its Engine's flags say
    cluster = await startCluster({
      store: 'consul',
      engineArgs: ['--dns', '127.0.0.1', '--dns-search', 'corp.example', '--dns-opt', 'attempts:3', '--dns-opt', 'ndots:2'],
    });
    for (const { name } of cluster.lab.hosts) startDns(name, '127.0.0.1', { solo: '192.0.2.1', 'intranet.corp.example': '192.0.2.2' });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-names-'));
    const source = join(repository, 'test', 'support', 'cluster', 'resolve.c');
    await must(runProgram('musl-gcc', ['-static', '-o', join(scratch, 'resolve'), source]));
    writeFileSync(join(scratch, 'Dockerfile'), 'FROM busybox\nCOPY resolve /bin/resolve\n');
    await must(
      runProgram('docker', ['build', '-q', '-t', 'asker', scratch], {
        env: { ...process.env, DOCKER_HOST: cluster.endpoint, DOCKER_BUILDKIT: '0' },
      }),
    );
  });
  after(async () => {
    for (const server of servers) server.kill('SIGKILL');
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const docker = (...args: string[]) => cluster.docker(...args);
  const member = (service: string, number: number, deployment = 'abc') => [
    '--label',
    `com.docker.compose.project=${deployment}`,
    '--label',
    `com.docker.compose.service=${service}`,
    '--label',
    `com.docker.compose.container-number=${number}`, // as compose does
    '--name',
    `${deployment}_${service}_${number}`,
  ];
  const runMember = (service: string, number: number, ...more: string[]) => must(docker('run', '-d', ...member(service, number), ...more));
  const addressOf = async (name: string) =>
    (await must(docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name))).trim();
  const dig = async (name: string) =>
    (await must(runProgram('dig', ['+short', '+tcp', '@127.0.0.1', '-p', String(cluster.consul?.dns), name])))
      .trim()
      .split('\n')
      .filter(Boolean)
      .sort();
  /** By the resolver of musl, in a container of the deployment. */
  const musl = async (name: string, asker = 'abc_asker_1') => {
    const { stdout } = await docker('exec', asker, 'resolve', name);
    return [...new Set(stdout.trim().split('\n').filter(Boolean))].sort();
  };

  /** Names follow a start within milliseconds, after its answer: in the agents' tables and in the catalog, in any order. */
  const finds = (name: string, addresses: readonly string[], asker?: string) =>
    until(`${name} leads to ${addresses.join(' and ') || 'nobody'}`, async () => {
      const found = await musl(name, asker);
      return found.join() === addresses.join() || Promise.reject(new Error(found.join()));
    });
  const isInCatalog = (name: string, addresses: readonly string[]) =>
    until(`${name} is in the catalog as ${addresses.join(' and ')}`, async () => {
      const found = await dig(name);
      return found.join() === addresses.join() || Promise.reject(new Error(found.join()));
    });

  it('finds services, instances, containers and aliases by short name with musl, wherever they run', async () => {
    await runMember('asker', 1, 'asker', 'sleep', '3600');
    for (const number of [1, 2, 3, 4]) await runMember('pricing', number, 'busybox', 'sleep', '3600');
    const all = (await Promise.all([1, 2, 3, 4].map((n) => addressOf(`abc_pricing_${n}`)))).sort();
    await finds('pricing', all);
    await finds('2.pricing', [await addressOf('abc_pricing_2')]);
    await finds('abc_pricing_3', [await addressOf('abc_pricing_3')]);
    await finds('pricing.abc.service.consul', all);
    assert.deepEqual(await musl('nobody'), []);
    for (const asker of [1, 2, 3, 4].map((n) => `abc_pricing_${n}`))
      await until(`a resolver without a search list gets all of them, on the Engine of ${asker}`, async () => {
        const { stdout } = await docker('exec', asker, 'nslookup', '-type=a', 'pricing.');
        return all.every((address) => stdout.includes(address));
      });
    await finds('pricing.', all); // as an absolute name, too
    await isInCatalog('pricing.abc.service.consul', all);
  });

  it('gives a link’s alias to the container that was linked, and a network alias to all', async () => {
    await must(docker('network', 'create', '--label', 'com.docker.compose.project=abc', 'abc_front'));
    await must(docker('run', '-d', ...member('db', 1), '--network', 'abc_front', '--network-alias', 'storage', 'busybox', 'sleep', '3600'));
    await must(docker('run', '-d', ...member('user', 1), '--network', 'abc_front', 'asker', 'sleep', '3600'));
    await finds('storage', [await addressOf('abc_db_1')], 'abc_user_1');
    await must(docker('run', '-d', ...member('linked', 1), '--link', 'abc_pricing_1:price', 'asker', 'sleep', '3600'));
    const all = (await Promise.all([1, 2, 3, 4].map((n) => addressOf(`abc_pricing_${n}`)))).sort();
    await finds('price', all, 'abc_linked_1'); // the alias of a service means all its instances
    assert.deepEqual(await musl('price'), [], 'nobody else knows it');
    await must(docker('rm', '-f', 'abc_db_1', 'abc_user_1', 'abc_linked_1'));
    await must(docker('network', 'rm', 'abc_front'));
  });

  const checked = ['--health-interval', '1s', '--health-retries', '1', '--health-timeout', '20s', '--health-cmd'];

  it('leads to instances that run while none is healthy, so that members that must find each other become healthy', async () => {
    for (const number of [1, 2]) await runMember('etcd', number, ...checked, `nslookup ${3 - number}.etcd`, 'busybox', 'sleep', '3600');
    for (const number of [1, 2])
      await until(
        `${number} is healthy`,
        async () => (await must(docker('inspect', '-f', '{{.State.Health.Status}}', `abc_etcd_${number}`))).trim() === 'healthy',
      );
    await must(docker('rm', '-f', 'abc_etcd_1', 'abc_etcd_2'));
    await runMember('mixed', 1, ...checked, 'test -e /healthy', 'busybox', 'sleep', '3600');
    const [address, other] = [
      await addressOf('abc_mixed_1'),
      await runMember('mixed', 2, 'busybox', 'sleep', '3600').then(() => addressOf('abc_mixed_2')),
    ];
    await until('it is unhealthy', async () => (await docker('ps', '-q', '--filter', 'health=unhealthy')).stdout.trim() !== '');
    const leads = (name: string, ...to: readonly string[]) =>
      until(`${name} leads to ${to.join(' and ')}`, async () =>
        [await musl(name), await dig(`${name}.abc.service.consul`)].every((found) => found.join() === [...to].sort().join()),
      );
    await leads('mixed', other);
    await leads('1.mixed', address);
    await must(docker('rm', '-f', 'abc_mixed_2'));
    await leads('mixed', address);
    await must(docker('exec', 'abc_mixed_1', 'touch', '/healthy'));
    await until('it is healthy', async () => (await docker('ps', '-q', '--filter', 'health=healthy')).stdout.trim() !== '');
    await leads('mixed', address);
    await must(docker('pause', 'abc_mixed_1'));
    await leads('abc_mixed_1', address);
    await must(docker('unpause', 'abc_mixed_1'));
    await must(docker('rm', '-f', 'abc_mixed_1'));
  });

  it('of a service with arpanet.dns=healthy waits for health, leaves with it, and comes back with it', async () => {
    const health = ['--label', 'arpanet.dns=healthy', ...checked, 'test -e /healthy'];
    await runMember('sick', 1, ...health, 'busybox', 'sleep', '3600');
    assert.deepEqual(await dig('sick.abc.service.consul'), [], 'not before its first good probe');
    await must(docker('exec', 'abc_sick_1', 'touch', '/healthy'));
    const address = await addressOf('abc_sick_1');
    await until(
      'it is named once healthy',
      async () => (await dig('sick.abc.service.consul')).includes(address) && (await musl('sick')).includes(address),
    );
    await must(docker('exec', 'abc_sick_1', 'rm', '/healthy'));
    await until(
      'it is out once unhealthy',
      async () => (await dig('sick.abc.service.consul')).length === 0 && (await musl('sick')).length === 0,
    );
    await must(docker('rm', '-f', 'abc_sick_1'));
  });

  it('is out on die, behind our back too, and in again after a start', async () => {
    const address = await addressOf('abc_pricing_4');
    const { stdout } = await docker('inspect', '-f', '{{.Node.Name}}', 'abc_pricing_4');
    await must(cluster.engine(stdout.trim(), 'kill', 'abc_pricing_4'));
    await until(
      'it is out',
      async () => !(await dig('pricing.abc.service.consul')).includes(address) && !(await musl('pricing')).includes(address),
      3_000,
    );
    await must(docker('start', 'abc_pricing_4'));
    await until(
      'it is in',
      async () => (await dig('pricing.abc.service.consul')).includes(address) && (await musl('pricing')).includes(address),
      3_000,
    );
  });

  it('made by hand, for what runs outside: answered to every libc and by Consul, with nobody’s name taken', async () => {
    await must(docker('run', '-d', ...member('glibc', 1), 'redis', 'sleep', '3600'));
    const glibc = async (name: string) =>
      [
        ...new Set(
          (await docker('exec', 'abc_glibc_1', 'getent', 'ahostsv4', name)).stdout.split('\n').map((line) => line.split(' ')[0] ?? ''),
        ),
      ]
        .filter(Boolean)
        .sort();
    const busybox = async (name: string) => (await docker('exec', 'abc_pricing_1', 'ping', '-c1', '-W1', name)).stdout;
    await must(cluster.arpanet('dns', 'add', 'outside.abc', 'A', '192.0.2.7'));
    await must(cluster.arpanet('dns', 'add', 'outside.abc', 'A', '192.0.2.8'));
    await must(cluster.arpanet('dns', 'add', 'prices.abc', 'CNAME', 'pricing.abc.service.consul'));
    await must(cluster.arpanet('dns', 'add', '_pg._tcp.abc', 'SRV', '10', '5', '5432', 'db.example.com'));
    const both = ['192.0.2.7', '192.0.2.8'];
    for (const libc of [musl, glibc]) await until('both are found', async () => (await libc('outside')).join() === both.join());
    await until('busybox finds one', async () => /^PING outside \(192\.0\.2\.[78]\)/.test(await busybox('outside')));
    await isInCatalog('outside.abc.service.consul', both);
    const pricing = await musl('pricing');
    assert.equal(pricing.length, 4);
    for (const libc of [musl, glibc]) await until('an alias is found', async () => (await libc('prices')).join() === pricing.join());
    await until('a service with its port is found', async () =>
      /10 5 5432 db\.example\.com/.test(
        (await docker('exec', 'abc_pricing_1', 'nslookup', '-type=srv', '_pg._tcp.abc.service.consul')).stdout,
      ),
    );
    const list = await must(cluster.arpanet('dns', 'ls'));
    assert.match(list, /^outside\.abc\.service\.consul +- +outside +A 192\.0\.2\.7$/m);
    const fails = async (...args: string[]) => {
      const { code, stderr } = await cluster.arpanet('dns', ...args);
      assert.notEqual(code, 0, args.join(' '));
      return stderr;
    };
    assert.match(await fails('add', 'pricing.abc', 'A', '192.0.2.9'), /is the name of container \S+ of service pricing in deployment abc/);
    assert.match(await fails('add', 'x.abc', 'A', '300.0.0.1'), /invalid value .300\.0\.0\.1. for a record of type A: use an IPv4 address/);
    assert.match(await fails('rm', 'nobody.abc'), /no such DNS record: nobody\.abc/);
    const removed = JSON.parse(await must(cluster.arpanet('dns', 'rm', 'outside.abc', 'A', '192.0.2.7', '--json'))) as { name: string };
    assert.equal(removed.name, 'outside.abc');
    await finds('outside', ['192.0.2.8']);
    for (const name of ['outside.abc', 'prices.abc', '_pg._tcp.abc']) await must(cluster.arpanet('dns', 'rm', name));
    await finds('outside', []);
    await isInCatalog('outside.abc.service.consul', []);
    await must(docker('rm', '-f', 'abc_glibc_1'));
  });

  it('may be any that Docker takes: dots, capitals, long branches, a project called default', async () => {
    const file = (names: readonly string[]) =>
      `services:\n${names.map((name) => `  ${name}:\n    image: asker\n    command: sleep 3600\n    stop_grace_period: 0s\n`).join('')}`;
    const branch = `ci-feature-${'long-'.repeat(14)}branch`;
    await must(docker('run', '-d', '--name', 'web', 'asker', 'sleep', '3600'));
    for (const project of [branch, 'default']) {
      const folder = mkdtempSync(join(scratch, 'any-'));
      writeFileSync(join(folder, 'docker-compose.yml'), file(['asker', 'web', 'web.api', 'Web_Two']));
      const compose = (...args: string[]) => must(cluster.composeV2(folder, '-p', project, ...args));
      await compose('up', '-d', '--scale', 'web=2');
      const asker = `${project}-asker-1`;
      for (const service of ['web', 'web.api', 'Web_Two']) {
        const names = [`${project}-${service}-1`, ...(service === 'web' ? [`${project}-web-2`] : [])];
        const addresses = (await Promise.all(names.map(addressOf))).sort();
        const catalog = `${service === 'web.api' ? dnsLabel(service) : service}.${dnsLabel(deploymentOfProject(project))}`;
        await until(`${service} of ${project} is found`, async () => (await musl(service, asker)).join() === addresses.join(), 5_000);
        assert.deepEqual(await musl(`${service}.`, asker), addresses, 'without the search list, too');
        await isInCatalog(`${catalog}.service.consul`, addresses);
        await isInCatalog(`${service}.${catalog.split('.')[1]}.service.consul`, addresses);
      }
      await compose('up', '-d', '--scale', 'web=2');
      await finds('web', [await addressOf('web')], 'web'); // what belongs to no project is apart
      await compose('down');
    }
    await must(docker('rm', '-f', 'web'));
  });

  it('of outside: bare words, the Engine’s search domains and options, by its servers, on every Engine', async () => {
    for (const host of ['h1', 'h3']) {
      const on = ['--label', `arpanet.constraints=["node.hostname==${host}"]`];
      await must(docker('run', '-d', '--name', 'outsider', ...on, 'redis', 'sleep', '3600'));
      await must(docker('run', '-d', '--name', 'seeker', ...on, 'asker', 'sleep', '3600'));
      const glibc = async (name: string) => (await docker('exec', 'outsider', 'getent', 'ahostsv4', name)).stdout.split(' ')[0];
      await until(`its server on ${host} answers`, async () => (await glibc('solo')) === '192.0.2.1');
      assert.equal(await glibc('intranet'), '192.0.2.2', host);
      // musl searches where ndots says so: the host's DNS does it
      assert.deepEqual(await musl('intranet', 'seeker'), ['192.0.2.2'], host);
      const settings = await must(docker('exec', 'outsider', 'cat', '/etc/resolv.conf'));
      assert.match(settings, /^search default\.service\.consul corp\.example$/m);
      assert.match(settings, /attempts:3/);
      assert.doesNotMatch(settings, /ndots:2/, 'with it an Engine’s resolver would not forward peers’ bare names');
      assert.match(
        await must(docker('inspect', '-f', '{{json .HostConfig.DnsSearch}} {{json .HostConfig.Dns}}', 'outsider')),
        /^(?:\[\]|null) (?:\[\]|null)$/m,
      );
      await must(docker('rm', '-f', 'outsider', 'seeker'));
    }
  });

  it('of outside, for containers with servers of their own: all of these are asked, for bare words, too; peers are found all the same', async () => {
    const [server = '', ...silent] = cluster.lab.hosts.map(({ address }) => address);
    startDns('h1', server, { pihole: '192.0.2.53', 'zone.corp.example': '192.0.2.54', 'intranet.own.example': '192.0.2.55' });
    const folder = join(scratch, 'own');
    mkdirSync(folder);
    const lines = ['asker', 'other'].map(
      (name, index) => `  ${name}:
    image: asker
    command: sleep 3600
    dns: [${(index === 0 ? [server] : [...silent, server]).join(', ')}]
    dns_search: own.example
    dns_opt: ["timeout:2"]
    labels: {arpanet.constraints: '["node.hostname==${index === 0 ? 'h2' : 'h3'}"]'}
`,
    );
    writeFileSync(join(folder, 'docker-compose.yml'), `services:\n${lines.join('')}`);
    await must(cluster.composeV2(folder, 'up', '-d'));
    for (const asker of ['own-asker-1', 'own-other-1']) {
      const ask = (name: string) => musl(name, asker);
      await finds('zone.corp.example', ['192.0.2.54'], asker);
      await finds('pihole', ['192.0.2.53'], asker);
      assert.deepEqual(await ask('solo'), [], 'the Engine’s own server is not asked');
      await finds('other', [await addressOf('own-other-1')], asker);
      const settings = await must(docker('exec', asker, 'cat', '/etc/resolv.conf'));
      assert.match(settings, /^search own\.service\.consul own\.example$/m);
      assert.match(settings, /timeout:2/);
    }
    await must(cluster.composeV2(folder, 'down', '-t', '0'));
  });

  it('of an agent with --dns-upstream are asked of that server', async () => {
    startDns('h2', '127.0.0.1', { upstream: '192.0.2.99' }, 5300);
    const agent = cluster.agents.get('h2');
    assert.ok(agent);
    await endProcess(agent);
    await cluster.startAgent('h2', undefined, ['--dns-upstream', '127.0.0.1:5300']);
    const outsider = ['--name', 'outsider', '--label', 'arpanet.constraints=["node.hostname==h2"]', 'asker', 'sleep', '3600'];
    await until('h2 is back', async () => (await docker('run', '-d', ...outsider)).code === 0);
    await finds('upstream', ['192.0.2.99'], 'outsider');
    await must(docker('rm', '-f', 'outsider'));
  });

  it('that others registered in the same Consul resolve as Consul says', async () => {
    const consul = `http://${cluster.consul?.http}/v1/catalog`;
    const put = async (path: string, body: object) =>
      assert.ok((await fetch(`${consul}/${path}`, { method: 'PUT', body: JSON.stringify(body) })).ok);
    const Service = { Service: 'legacydb', Tags: ['primary'], Port: 5432 };
    await put('register', { Node: 'legacy', Address: '192.0.2.80', Service });
    for (const name of ['legacydb.service.consul', 'primary.legacydb.service.consul', 'legacy.node.consul'])
      await until(`${name} is found`, async () => (await musl(name)).join() === '192.0.2.80', 5_000);
    await until('with its port, on another host, too', async () =>
      /1 1 5432 legacy\.node/.test((await docker('exec', 'abc_pricing_1', 'nslookup', '-type=srv', 'legacydb.service.consul')).stdout),
    );
    assert.deepEqual(await musl('nobody.service.consul'), []);
    await put('deregister', { Node: 'legacy' });
    await until('it is gone', async () => (await musl('legacydb.service.consul')).length === 0, 5_000);
  });

  it('loses a lost host’s names within seconds, and has them again when it is back', async () => {
    const host = (await must(docker('inspect', '-f', '{{.Node.Name}}', 'abc_asker_1'))).trim();
    const lost = ['h1', 'h2', 'h3'].find((name) => name !== host) ?? '';
    const there = await must(
      docker('ps', '--filter', 'label=com.docker.compose.service=pricing', '--format', '{{.Label "arpanet.host"}} {{.Names}}'),
    );
    const names = there
      .trim()
      .split('\n')
      .filter((line) => line.startsWith(`${lost} `))
      .map((line) => line.split(' ')[1] ?? '');
    assert.ok(names.length > 0);
    const gone = await Promise.all(names.map(addressOf));
    const agent = cluster.agents.get(lost);
    assert.ok(agent);
    agent.kill('SIGKILL');
    await until(
      'its names are out',
      async () => (await dig('pricing.abc.service.consul')).every((address) => !gone.includes(address)),
      14_000,
    );
    await until('for containers, too', async () => (await musl('pricing')).every((address) => !gone.includes(address)), 5_000);
    await cluster.startAgent(lost);
    await until('its names are in again', async () => (await dig('pricing.abc.service.consul')).length === 4, 15_000);
  });

  it('answers with no scheduler and no Consul from the agents’ own copies; true again after all restarts', async () => {
    const all = await until('containers have heard of all', async () => {
      const found = await musl('pricing');
      return found.length === 4 ? found : undefined;
    });
    const scheduler = cluster.schedulers[0]?.process;
    assert.ok(scheduler);
    await endProcess(scheduler);
    const asker = await cluster.engine((await hostOf('abc_asker_1')) ?? '', 'exec', 'abc_asker_1', 'resolve', 'pricing');
    assert.deepEqual([...new Set(asker.stdout.trim().split('\n'))].sort(), all);
    await cluster.startScheduler(0);
    await until(
      'all hosts are back',
      async () => (await operator<{ state: string }[]>(cluster, 'hosts')).filter((h) => h.state === 'alive').length === 3,
      20_000,
    );
    assert.deepEqual(await musl('pricing'), all);
    assert.deepEqual(await dig('pricing.abc.service.consul'), all);
    const left = (await must(docker('ps', '-aq'))).split('\n').filter(Boolean);
    await must(docker('rm', '-fv', ...left));
    await assertNothingLeft(cluster, ['abc']);
  });
  /** Asked of the engines, for there is no scheduler at that moment. */
  const hostOf = async (name: string) => {
    for (const host of cluster.lab.hosts) if ((await cluster.engine(host.name, 'inspect', name)).code === 0) return host.name;
    return undefined;
  };
});
