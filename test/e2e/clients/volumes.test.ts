/** Volumes of a cluster: data has one place, containers come to it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, operator } from '../../support/cluster/leftovers.ts';
import { recreate } from '../../support/recreate.ts';

describe('volumes over three hosts', () => {
  let cluster: Cluster;
  let scratch: string;
  before(async () => {
    cluster = await startCluster({ store: 'embedded' });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-volumes-'));
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  afterEach(async () => {
    const left = (await must(docker('ps', '-aq'))).split('\n').filter(Boolean);
    if (left.length > 0) await must(docker('rm', '-fv', ...left));
    await must(docker('volume', 'prune', '-f'));
    await assertNothingLeft(cluster, []);
  });
  const docker = (...args: string[]) => cluster.docker(...args);
  const on = (host: string) => ['--label', `arpanet.constraints=["node.hostname==${host}"]`];
  const hostOf = async (name: string) => (await must(docker('inspect', '-f', '{{.Node.Name}}', name))).trim();
  const stateOf = async (host: string) =>
    (await operator<{ name: string; state: string }[]>(cluster, 'hosts')).find(({ name }) => name === host)?.state;
  const names = async (...args: string[]) => (await must(docker('volume', 'ls', '-q', ...args))).split('\n').filter(Boolean).sort();

  it('create, ls with filters, inspect, rm, prune', async () => {
    await must(docker('volume', 'create', '--label', 'color=red', 'red'));
    await must(docker('volume', 'create', '--label', 'color=blue', 'blue'));
    const anonymous = (await must(docker('volume', 'create'))).trim();
    assert.match(anonymous, /^[0-9a-f]{64}$/);
    await must(docker('run', '-d', '--name', 'user', '-v', 'red:/data', 'busybox', 'sleep', '600'));
    assert.deepEqual(await names(), ['blue', 'red', anonymous].sort());
    assert.deepEqual(await names('--filter', 'label=color=red'), ['red']);
    assert.deepEqual(await names('--filter', 'dangling=true'), ['blue', anonymous].sort());
    assert.deepEqual(await names('--filter', 'name=blu'), ['blue']);
    const shown = JSON.parse(await must(docker('volume', 'inspect', 'red'))) as {
      Driver: string;
      Labels: object;
      Options: object;
      Mountpoint: string;
    }[];
    assert.deepEqual([shown[0]?.Driver, shown[0]?.Labels], ['local', { color: 'red' }]);
    assert.match(shown[0]?.Mountpoint ?? '', /volumes\/red\/_data$/);
    assert.match((await docker('volume', 'rm', 'red')).stderr, /remove red: volume is in use - \[[0-9a-f]{64}\]/);
    assert.match(await must(docker('volume', 'prune', '-f', '--filter', 'label=color=blue')), /blue/);
    assert.deepEqual(await names(), ['red', anonymous].sort());
    await must(docker('volume', 'prune', '-f'));
    assert.deepEqual(await names(), ['red'], 'what is used stays');
    await must(docker('rm', '-f', 'user'));
    await must(docker('volume', 'rm', 'red'));
    assert.match((await docker('volume', 'inspect', 'red')).stderr, /no such volume/i);
    assert.match((await docker('volume', 'rm', 'red')).stderr, /no such volume/i);
  });

  it('a container with a volume and a link, made again from its inspect, lands where its data and its peers are', async () => {
    await must(docker('run', '-d', '--name', 'peer', ...on('h1'), 'busybox', 'sleep', '600'));
    await must(docker('run', '-d', '--name', 'app', ...on('h2'), '-v', 'stuff:/d', '--link', 'peer:db', 'busybox', 'sleep', '600'));
    const { was, is } = await recreate(cluster, 'app', '1.41');
    assert.deepEqual(Object.keys(is.NetworkSettings.Networks), ['bridge']);
    assert.equal(is.NetworkSettings.Networks['bridge']?.NetworkID, was.NetworkSettings.Networks['bridge']?.NetworkID);
    assert.deepEqual(is.HostConfig, was.HostConfig);
    for (const [from, to] of [
      ['app', 'db'],
      ['peer', 'app'],
    ] as const)
      await until(`${from} finds ${to}`, async () => (await docker('exec', from, 'ping', '-c', '1', '-W', '5', to)).code === 0);
    assert.deepEqual([await names('--filter', 'node=h2'), await names('--filter', 'node=h1')], [['stuff'], []]);
    assert.equal((await must(docker('ps', '--filter', 'node=h2', '--format', '{{.Names}}'))).trim(), 'app');
    // the whole way of classic Swarm's words: an affinity to a label of containers
    const labelled = ['--label', 'role=db'];
    await must(docker('run', '-d', '--name', 'first', ...on('h3'), ...labelled, 'busybox', 'sleep', '600'));
    await must(docker('run', '-d', '--name', 'near', '-e', 'affinity:role==db', 'busybox', 'sleep', '600'));
    await must(
      docker('run', '-d', '--name', 'far', '-e', 'affinity:role!=db', '-e', 'constraint:node==/h[23]/', 'busybox', 'sleep', '600'),
    );
    assert.deepEqual([await hostOf('near'), await hostOf('far')], ['h3', 'h2']);
  });

  it('what was sent empty is shown empty, before and after the volume is on a host; what was not sent is null', async () => {
    for (const [name, sent, shown] of [
      ['empty', { DriverOpts: {}, Labels: {} }, '{} {}'],
      ['unsaid', {}, 'null null'],
    ] as const) {
      const headers = { 'Content-Type': 'application/json' };
      const asked = { method: 'POST', headers, body: JSON.stringify({ Name: name, ...sent }) };
      assert.equal((await fetch(`${cluster.url}/v1.41/volumes/create`, asked)).status, 201);
      const inspect = async () => (await must(docker('volume', 'inspect', '-f', '{{json .Options}} {{json .Labels}}', name))).trim();
      assert.equal(await inspect(), shown);
      await must(docker('create', '--name', `of-${name}`, '-v', `${name}:/data`, 'busybox'));
      assert.equal(await inspect(), shown);
      await must(docker('rm', `of-${name}`));
      await must(docker('volume', 'rm', name));
    }
  });

  it('what no engine would make is refused when it is asked for', async () => {
    assert.match((await docker('volume', 'create', '-o', 'colour=red', 'bad')).stderr, /create bad: invalid option: "colour"/);
    assert.match((await docker('volume', 'create', '-o', 'type=nfs', 'bad')).stderr, /create bad: missing required option: "device"/);
    assert.match((await docker('volume', 'create', '-d', 'no-such-driver', 'bad')).stderr, /plugin "no-such-driver" not found/);
    assert.match((await docker('volume', 'create', 'b')).stderr, /volume name is too short/);
    assert.match((await docker('volume', 'create', 'a/b')).stderr, /includes invalid characters for a local volume name/);
    assert.deepEqual(await names(), []);
    await must(docker('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m', 'small'));
    assert.match(await must(docker('run', '--rm', '-v', 'small:/small', 'busybox', 'df', '-k', '/small')), /tmpfs\s+1024/);
    await must(docker('volume', 'prune', '-f'));
    assert.deepEqual(await names(), ['small'], 'with options of its own a volume is not pruned, as on one engine');
    await must(docker('volume', 'rm', 'small'));
  });

  it('a named volume keeps its containers on its host, and says so when that is impossible: never an empty one elsewhere', async () => {
    await must(docker('run', '--rm', ...on('h2'), '-v', 'kept:/d', 'busybox', 'sh', '-c', 'echo treasure > /d/f'));
    await must(docker('run', '--rm', ...on('h3'), '-v', 'other:/d', 'busybox', 'true'));
    for (const flags of [
      ['-v', 'kept:/d'],
      ['--mount', 'type=volume,src=kept,dst=/d'],
    ]) {
      const read = await Promise.all(
        Array.from({ length: 2 }, async () => (await must(docker('run', '--rm', ...flags, 'busybox', 'cat', '/d/f'))).trim()),
      );
      assert.deepEqual(read, ['treasure', 'treasure']);
    }
    const elsewhere = await docker('run', '--rm', ...on('h1'), '-v', 'kept:/d', 'busybox', 'cat', '/d/f');
    assert.match(elsewhere.stderr, /kept[\s\S]*h2|h2[\s\S]*kept/);
    const apart = await docker('run', '--rm', '-v', 'kept:/d', '-v', 'other:/e', 'busybox', 'true');
    assert.match(apart.stderr, /kept/);
    assert.match(apart.stderr, /other/);

    const agent = cluster.agents.get('h2');
    assert.ok(agent);
    await endProcess(agent);
    await until('h2 is down', async () => (await stateOf('h2')) === 'down', 30_000);
    const away = await docker('run', '--rm', '-v', 'kept:/d', 'busybox', 'cat', '/d/f');
    assert.notEqual(away.code, 0);
    assert.match(away.stderr, /kept/);
    assert.match(away.stderr, /h2/);
    assert.match((await docker('volume', 'rm', 'kept')).stderr, /volume kept is on host h2, which is down/);
    await cluster.startAgent('h2');
    await until('h2 is back', async () => (await stateOf('h2')) === 'alive');
    assert.equal((await must(docker('run', '--rm', '-v', 'kept:/d', 'busybox', 'cat', '/d/f'))).trim(), 'treasure');
  });

  for (const version of ['1.29.2', '2'] as const) {
    it(`anonymous and named volumes outlive a recreate by compose ${version}, on the same host`, async () => {
      const folder = join(scratch, `again${version.at(0)}`);
      mkdirSync(folder, { recursive: true });
      const compose = (...args: string[]) => (version === '2' ? cluster.composeV2(folder, ...args) : cluster.composeV1(folder, ...args));
      const write = (round: string) =>
        writeFileSync(
          join(folder, 'docker-compose.yml'),
          `version: "3"
services:
  keeper:
    image: busybox
    command: sleep 600
    stop_grace_period: 0s
    environment: { ROUND: "${round}" }
    volumes: [/anonymous, "named:/named"]
  nameless:
    image: busybox
    command: sleep 600
    stop_grace_period: 0s
    environment: { ROUND: "${round}" }
    volumes: [/anonymous]
volumes: { named: {} }
`,
        );
      const container = async (service: string) =>
        (await must(docker('ps', '-q', '--filter', `label=com.docker.compose.service=${service}`))).trim();
      write('first');
      await must(compose('up', '-d'));
      const places = new Map<string, string>();
      for (const service of ['keeper', 'nameless']) {
        const id = await container(service);
        await must(docker('exec', id, 'sh', '-c', `echo ${service} > /anonymous/f`));
        places.set(service, await hostOf(id));
      }
      await must(docker('exec', await container('keeper'), 'sh', '-c', 'echo kept > /named/f'));
      for (const [round, ...flags] of [['second'], ['second', '--force-recreate']] as const) {
        write(round);
        await must(compose('up', '-d', ...flags));
        for (const service of ['keeper', 'nameless']) {
          const id = await container(service);
          assert.equal((await must(docker('exec', id, 'cat', '/anonymous/f'))).trim(), service);
          assert.equal(await hostOf(id), places.get(service));
        }
        assert.equal((await must(docker('exec', await container('keeper'), 'cat', '/named/f'))).trim(), 'kept');
      }
      await must(compose('down', '-v'));
      const named = (await names()).filter((name) => !/^[0-9a-f]{64}$/.test(name));
      assert.deepEqual(named, [], 'anonymous ones stay behind a recreate, as on one engine');
    });
  }

  for (const version of ['1.29.2', '2'] as const) {
    it(`services that share volumes come up with compose ${version}; two volumes on two hosts are refused, with what to do`, async () => {
      const folder = join(scratch, `sv${version.at(0)}`);
      mkdirSync(folder, { recursive: true });
      const compose = (...args: string[]) => (version === '2' ? cluster.composeV2(folder, ...args) : cluster.composeV1(folder, ...args));
      const service = (...volumes: string[]) =>
        `{ image: busybox, command: sleep 600, stop_grace_period: 0s, volumes: [${volumes.map((volume) => `"${volume}:/${volume}"`).join(', ')}] }`;
      // compose 2 creates all of them before it starts one; what runs is not made again
      const lent =
        version === '2'
          ? `  vpn: { image: busybox, command: sleep 600, stop_grace_period: 0s }
  torrents: { image: busybox, command: sleep 600, stop_grace_period: 0s, network_mode: "service:vpn", volumes: ["media:/m"] }
`
          : '';
      writeFileSync(
        join(folder, 'docker-compose.yml'),
        `version: "3"
services:
  nginx: ${service('static')}
  worker: ${service('media')}
  db: ${service('data')}
  web: ${service('static', 'media')}
  side: { image: busybox, command: sleep 600, stop_grace_period: 0s, network_mode: "service:web" }
${lent}volumes: { static: {}, media: {}, data: {} }
`,
      );
      // the first would fit anywhere, all of them on one host only
      for (const host of ['h1', 'h3']) await must(cluster.arpanet('hosts', 'update', host, '--max-containers', '1'));
      for (const turn of ['first', 'again']) {
        await must(compose('up', '-d'));
        const hosts = (await must(docker('ps', '--format', '{{.Label "arpanet.host"}}'))).trim().split('\n');
        assert.deepEqual(
          hosts,
          Array.from({ length: version === '2' ? 7 : 5 }, () => 'h2'),
          turn,
        );
        await must(compose('down', ...(turn === 'first' ? [] : ['-v'])));
      }
      for (const host of ['h1', 'h3']) await must(cluster.arpanet('hosts', 'update', host, '--max-containers', 'none'));
      for (const [host, volume] of [
        ['h1', 'one'],
        ['h2', 'two'],
      ] as const)
        await must(docker('run', '--rm', ...on(host), '-v', `${volume}:/d`, 'busybox', 'true'));
      const apart = await docker('run', '--rm', '-v', 'one:/one', '-v', 'two:/two', 'busybox', 'true');
      // the docker command sends its -v in any order
      const both =
        /must share a host with volume (?:one on h1 and volume two on h2|two on h2 and volume one on h1): copy the data .* or remove one/;
      assert.match(apart.stderr, both);
      await must(docker('volume', 'rm', 'one', 'two'));
    });
  }

  it('a bind mount whose source is missing on the chosen host is refused with that reason', async () => {
    const here = join(scratch, 'here');
    mkdirSync(here);
    writeFileSync(join(here, 'file'), 'found');
    const found = await docker('run', '--rm', '-v', `${here}:/x`, 'busybox', 'cat', '/x/file');
    assert.deepEqual([found.stdout, found.stderr], ['found', '']);
    const gone = join(scratch, 'not-here');
    const bound = await docker('run', '-d', '--name', 'bound', '-v', `${gone}:/x`, 'busybox', 'sleep', '600');
    assert.equal(bound.code, 0);
    assert.match(bound.stderr, new RegExp(`WARNING: bind source ${gone} did not exist on host h[123]`));
    const mounted = await docker('run', '--rm', '--mount', `type=bind,src=${gone}-either,dst=/x`, 'busybox', 'true');
    assert.match(mounted.stderr, new RegExp(`bind source path does not exist: ${gone}-either \\(on host h[123]`));
    const folder = join(scratch, 'relative');
    mkdirSync(folder);
    writeFileSync(join(folder, 'docker-compose.yml'), 'services: { app: { image: busybox, command: "true", volumes: [./missing:/x] } }\n');
    const up = await cluster.composeV2(folder, 'up', '-d');
    assert.match(up.stderr + up.stdout, /missing did not exist on host h[123]/);
    await must(cluster.composeV2(folder, 'down'));
  });
});
