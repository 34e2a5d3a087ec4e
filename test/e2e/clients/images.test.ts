/** Images, as a developer uses them: built, tagged, pushed, pulled, moved and removed; wherever they came to be, they run anywhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { type Registry, startRegistry } from '../../support/servers/registry.ts';

const HOSTS = ['h1', 'h2', 'h3'] as const;

describe('images over three hosts', () => {
  let cluster: Cluster;
  let registry: Registry;
  let scratch: string;
  before(async () => {
    cluster = await startCluster({ store: 'embedded', engineArgs: ['--insecure-registry', '10.77.0.0/16'] });
    registry = await startRegistry(cluster.lab.gateway, cluster.lab.dir);
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-images-'));
  });
  after(async () => {
    await registry?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  afterEach(async () => {
    const left = (await must(docker('ps', '-aq'))).split('\n').filter(Boolean);
    if (left.length > 0) await must(docker('rm', '-fv', ...left));
    await assertNothingLeft(cluster, []);
  });
  const docker = (...args: string[]) => cluster.docker(...args);
  const runOn = async (host: string, ...args: string[]) =>
    (await must(docker('run', '--rm', '--label', `arpanet.constraints=["node.hostname==${host}"]`, ...args))).trim();
  /** The docker CLI of Debian 12: it has both builders built in. */
  const build = (tag: string, dockerfile: string, buildkit: '0' | '1') => {
    const folder = join(scratch, tag.replace(/\W/g, '-'));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), dockerfile);
    const env = { ...process.env, DOCKER_HOST: cluster.endpoint, DOCKER_BUILDKIT: buildkit };
    return runProgram('/usr/bin/docker', ['build', '--progress', 'plain', '-t', tag, folder], { env });
  };
  const api = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${cluster.url}/v1.41${path}`, { method, headers });
    const text = await response.text();
    return { status: response.status, text, json: () => JSON.parse(text) as unknown };
  };

  for (const [buildkit, name, cached] of [
    ['0', 'classic builder', /Using cache/],
    ['1', 'BuildKit', /CACHED/],
  ] as const) {
    it(`build with the ${name}: the next build finds the cache; the image runs on every host; history and inspect know it`, async () => {
      const tag = `built:${buildkit}`;
      const dockerfile = `FROM busybox\nRUN echo first-${buildkit} > /first\nRUN date +%N > /second\nCMD ["cat", "/first"]\n`;
      await must(build(tag, dockerfile, buildkit));
      const again = await build(tag, dockerfile, buildkit);
      assert.equal(again.code, 0);
      assert.match(again.stdout + again.stderr, cached);
      for (const host of HOSTS) assert.equal(await runOn(host, tag), `first-${buildkit}`);
      assert.equal((await must(docker('images', '-q', 'built'))).trim().split('\n').length, 1, 'one image in the whole cluster');
      assert.match(await must(docker('history', tag)), /first/);
      await must(docker('tag', tag, 'second-name:1'));
      assert.equal(
        (await must(docker('image', 'inspect', '-f', '{{join .RepoTags " "}}', tag))).trim(),
        [tag, 'second-name:1'].sort().join(' '),
      );
      const id = (await must(docker('images', '-q', tag))).trim();
      const byId = await docker('rmi', id);
      assert.match(byId.stderr, /must be forced\) - image is referenced in multiple repositories/);
      await must(docker('rmi', tag, 'second-name:1'));
      for (const host of HOSTS) assert.doesNotMatch(await must(cluster.engine(host, 'images')), /built|second-name/);
    });

    it(`a rebuilt tag never starts the old image on another host (${name})`, async () => {
      for (const round of ['old', 'new']) {
        await must(build('moving:1', `FROM busybox\nCMD ["echo", "${round}"]\n`, buildkit));
        const said = await Promise.all(HOSTS.map((host) => runOn(host, 'moving:1')));
        assert.deepEqual(said, [round, round, round]);
      }
      // one that is built once more, and run nowhere yet: the other hosts still know the old one by its name
      await must(build('moving:1', 'FROM busybox\nCMD ["echo", "last"]\n', buildkit));
      assert.notEqual((await must(docker('images', '-f', 'dangling=true', '-q'))).trim(), '');
      await must(docker('image', 'prune', '-f'));
      assert.equal((await must(docker('images', '-f', 'dangling=true', '-q'))).trim(), '', 'what the cluster calls <none> is pruned');
      await must(docker('rmi', 'moving:1'));
      await must(docker('image', 'prune', '-f'));
      assert.equal((await must(docker('images', '-f', 'dangling=true', '-q'))).trim(), '', 'old ones are gone from every host');
    });

    it(`build FROM an image that only another host has (${name})`, async () => {
      const builder = 'h1';
      await must(
        docker('run', '--name', 'maker', '--label', 'arpanet.constraints=["node.hostname==h3"]', 'busybox', 'touch', '/made-here'),
      );
      await must(docker('commit', 'maker', 'made:1'));
      assert.doesNotMatch(await must(cluster.engine(builder, 'images')), /made/);
      await must(build('onto:1', 'FROM made:1\nCMD ["ls", "/made-here"]\n', buildkit));
      for (const host of HOSTS) assert.equal(await runOn(host, 'onto:1'), '/made-here');
      // and a tag that has moved on elsewhere is the new one for the builder, too
      await must(docker('start', '-a', 'maker'));
      await must(docker('commit', '--change', 'ENV ROUND=two', 'maker', 'made:1'));
      await must(build('onto:2', 'FROM made:1\nCMD ["sh", "-c", "echo $ROUND"]\n', buildkit));
      assert.equal(await runOn('h2', 'onto:2'), 'two');
      await must(docker('rm', 'maker'));
      await must(docker('rmi', 'onto:1', 'onto:2', 'made:1'));
      await must(docker('image', 'prune', '-f'));
    });
  }

  it('the container of a step that failed stays, without labels, and lists go on', async () => {
    const { code } = await build('fails:1', 'FROM busybox\nRUN false\n', '0');
    assert.notEqual(code, 0);
    const [left = '', ...more] = (await must(docker('ps', '-aq', '--no-trunc'))).split('\n').filter(Boolean);
    assert.deepEqual([left.length, more], [64, []]);
    assert.match(await must(docker('ps', '-a', '--format', '{{.Command}} {{.Status}}')), /"\/bin\/sh -c false" Exited \(1\)/);
    await must(docker('rm', left));
  });

  it('a build in the network of a container is done where that is, and its image runs everywhere', async () => {
    const constrained = ['--label', 'arpanet.constraints=["node.hostname==h3"]', '--add-host', 'far.example:127.0.0.1'];
    await must(docker('run', '-d', '--name', 'far', ...constrained, 'busybox', 'sleep', '600'));
    const folder = mkdtempSync(join(scratch, 'near-'));
    writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nRUN ping -c 1 far.example\nCMD ["echo", "near"]\n');
    const env = { ...process.env, DOCKER_HOST: cluster.endpoint, DOCKER_BUILDKIT: '0' };
    await must(runProgram('/usr/bin/docker', ['build', '--network', 'container:far', '-t', 'near:1', folder], { env }));
    for (const host of ['h1', 'h3']) assert.equal(await runOn(host, 'near:1'), 'near');
    const nobody = await runProgram('/usr/bin/docker', ['build', '--network', 'container:nobody', folder], { env });
    assert.match(nobody.stderr, /No such container: nobody/);
    await must(docker('rm', '-f', 'far'));
    await must(docker('rmi', 'near:1'));
  });

  it('a build in a network of the cluster, by name and by short id: with its names, and an address of its own; BuildKit refuses it as on an Engine', async () => {
    const dangling = async () => must(docker('images', '-q', '--filter', 'dangling=true'));
    const before = await dangling();
    await must(docker('network', 'create', 'nn'));
    const far = ['--label', 'arpanet.constraints=["node.hostname==h3"]', '--network-alias', 'peer'];
    await must(docker('run', '-d', '--name', 'far', '--network', 'nn', ...far, 'busybox', 'httpd', '-f', '-h', '/etc'));
    const folder = mkdtempSync(join(scratch, 'net-'));
    writeFileSync(
      join(folder, 'Dockerfile'),
      // It stays until it was seen.
      'FROM busybox\nARG R\nRUN wget -qO- http://peer/hostname && hostname -i && for i in $(seq 120); do wget -qO /dev/null http://peer/seen-$R && break; sleep 1; done\n',
    );
    await until('it listens', async () => (await docker('exec', 'far', 'wget', '-qO-', 'http://127.0.0.1/hostname')).code === 0);
    const id = (await must(docker('network', 'inspect', '-f', '{{.Id}}', 'nn'))).trim();
    const run = (network: string, buildkit: '0' | '1', DOCKER_HOST = cluster.endpoint) => {
      const env = { ...process.env, DOCKER_HOST, DOCKER_BUILDKIT: buildkit };
      return runProgram(
        '/usr/bin/docker',
        ['build', '--network', network, '--build-arg', `R=${network}`, '-t', `netted:${network.length}`, folder],
        {
          env,
        },
      );
    };
    const seen: string[] = [];
    const lines = (text: string) => text.split('\n').filter(Boolean);
    for (const network of ['nn', id.slice(0, 12)]) {
      const built = must(run(network, '0'));
      let address = '';
      const ofBuilds = ['ps', '-q', '--filter', 'label=arpanet.build'];
      await until('it is in the network', async () => {
        const id = lines((await docker(...ofBuilds)).stdout).find((one) => !seen.includes(one)) ?? '';
        const shown = id === '' ? '' : (await docker('inspect', '-f', '{{.NetworkSettings.Networks.nn.IPAddress}}', id)).stdout.trim();
        if (shown !== '') seen.push(id);
        address = shown;
        return address !== '';
      });
      await must(docker('exec', 'far', 'touch', `/etc/seen-${network}`));
      const said = await built;
      const farId = (await must(docker('ps', '-q', '--filter', 'name=far'))).trim();
      assert.ok(said.includes(farId), `${network}: the page is the peer's: ${said}`);
      assert.ok(said.includes(address), `${network}: ${address} in ${said}`);
    }
    assert.match((await run('nobody', '0')).stderr, /network nobody not found/);
    assert.match((await run('nn', '1')).stderr, /network mode "nn" not supported by buildkit/);
    await until('no build is left', async () => (await must(docker('ps', '-aq', '--filter', 'label=arpanet.build'))).trim() === '');
    // one of them is the step that found no network
    await must(docker('rm', '-f', ...lines(await must(docker('ps', '-aq')))));
    await must(docker('network', 'rm', 'nn'));
    await must(docker('rmi', ...['nn', id.slice(0, 12)].map(({ length }) => `netted:${length}`)));
    const after = await dangling();
    const left = after === before ? '' : (await docker('history', '--no-trunc', lines(after)[0] ?? '')).stdout;
    assert.equal(after, before, `the image that it needed is gone: ${left}`);
  });

  it('images that were made by build steps are listed with --all, and are found by what they are made of', async () => {
    await must(build('steps:1', 'FROM busybox\nRUN echo a > /a\nRUN echo b > /b\n', '0'));
    const all = (await must(docker('images', '-aq'))).trim().split('\n').length;
    const shown = (await must(docker('images', '-q'))).trim().split('\n').length;
    assert.equal(all, shown + 1);
    await must(docker('run', '-d', '--name', 'grandchild', 'steps:1', 'sleep', '600'));
    assert.equal((await must(docker('ps', '--filter', 'ancestor=busybox', '--format', '{{.Names}}'))).trim(), 'grandchild');
    await must(docker('rm', '-f', 'grandchild'));
    await must(docker('rmi', 'steps:1'));
  });

  it('save and load: what comes from a file runs anywhere; two images that lie on different hosts are saved as one file', async () => {
    await must(build('saved:1', 'FROM busybox\nCMD ["echo", "saved"]\n', '0'));
    await must(docker('run', '--name', 'maker', '--label', 'arpanet.constraints=["node.hostname==h2"]', 'busybox', 'true'));
    await must(docker('commit', '--change', 'CMD ["echo", "committed"]', 'maker', 'saved:2'));
    await must(docker('save', '-o', join(scratch, 'two.tar'), 'saved:1', 'saved:2'));
    await must(docker('rm', 'maker'));
    await must(docker('rmi', 'saved:1', 'saved:2'));
    // in whichever order the Engine saved them
    const loaded = (await must(docker('load', '-i', join(scratch, 'two.tar')))).trim().split('\n').sort();
    assert.deepEqual(loaded, ['Loaded image: saved:1', 'Loaded image: saved:2']);
    const begun = `${Math.floor(Date.now() / 1000) - 1}`;
    const three = await Promise.all([1, 2, 3].map(() => runOn('h2', 'saved:1')));
    assert.deepEqual(three, ['saved', 'saved', 'saved']);
    const until = `${Math.floor(Date.now() / 1000) + 1}`;
    const loads = await must(cluster.engine('h2', 'events', '--since', begun, '--until', until, '--filter', 'event=load'));
    assert.equal(loads.trim().split('\n').length, 1, `one transfer for all who wait for it: ${loads}`);
    assert.equal(await runOn('h3', 'saved:2'), 'committed');
    await must(docker('rmi', 'saved:1', 'saved:2'));
  });

  it('rmi says Deleted of what is nowhere any more: not of an image that another host has under another name', async () => {
    await must(build('far:1', 'FROM busybox\nCMD ["echo", "far"]\n', '0'));
    assert.equal(await runOn('h3', 'far:1'), 'far');
    // each of the two hosts has one of the names only
    await must(cluster.engine('h3', 'tag', 'far:1', 'far:2'));
    await must(cluster.engine('h3', 'rmi', 'far:1'));
    await until('the second name is known', async () => /far\s+2/.test(await must(docker('images', 'far'))));
    assert.equal((await must(docker('rmi', 'far:1'))).trim(), 'Untagged: far:1');
    assert.equal(await runOn('h2', 'far:2'), 'far');
    assert.match(await must(docker('rmi', 'far:2')), /^Untagged: far:2\nDeleted: sha256:/);
    for (const host of HOSTS) assert.doesNotMatch(await must(cluster.engine(host, 'images', '-a')), /far/);
  });

  it('an image’s parent goes with it on every host, and is its parent again once both are loaded', async () => {
    const make = async (from: string, name: string, host: string): Promise<string> => {
      const at = ['--label', `arpanet.constraints=["node.hostname==${host}"]`];
      await must(docker('run', '--name', name, ...at, from, 'touch', `/${name}`));
      const id = (await must(docker('commit', name))).trim();
      await must(docker('rm', name));
      return id;
    };
    const parent = await make('busybox', 'foo', 'h1');
    const child = await make(parent, 'bar', 'h2');
    const parentOf = async (id: string) => (await must(docker('inspect', '-f', '{{.Parent}}', id))).trim();
    assert.equal(await parentOf(child), parent);
    await must(docker('save', '-o', join(scratch, 'family.tar'), child, parent));
    const removed = await must(docker('rmi', child));
    for (const id of [child, parent]) {
      assert.match(removed, new RegExp(`Deleted: ${id}`));
      for (const host of HOSTS) assert.doesNotMatch(await must(cluster.engine(host, 'images', '-aq', '--no-trunc')), new RegExp(id));
    }
    await must(docker('load', '-i', join(scratch, 'family.tar')));
    assert.equal(await parentOf(child), parent);
    assert.equal(await parentOf(parent), '');
    await must(docker('rmi', child));
  });

  it('rmi refuses while a container uses the image, on whichever host', async () => {
    await must(build('held:1', 'FROM busybox\nCMD ["sleep", "600"]\n', '0'));
    await must(docker('run', '-d', '--name', 'holder', '--label', 'arpanet.constraints=["node.hostname==h2"]', 'held:1'));
    const refused = await docker('rmi', 'held:1');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /conflict: unable to remove repository reference "held:1" \(must force\) - container [0-9a-f]{12} is using/,
    );
    for (const host of ['h1', 'h2']) assert.match(await must(cluster.engine(host, 'images')), /held/, 'nothing was removed');
    await must(docker('rm', '-f', 'holder'));
    await must(docker('rmi', 'held:1'));
    assert.match((await docker('rmi', 'held:1')).stderr, /No such image: held:1/);
  });

  it('a registry with a password: push, pull with progress, digests, distribution inspect; hosts that never saw the password run it', async () => {
    const name = `${registry.name}/team/app`;
    await must(build(`${name}:1`, `FROM busybox\nRUN echo ${Math.random()} > /content\nCMD ["echo", "private"]\n`, '0'));
    assert.match((await docker('push', `${name}:1`)).stderr, /no basic auth credentials/);
    const login = ['login', '-u', registry.user, '-p', registry.password, registry.name];
    assert.match((await docker('login', '-u', registry.user, '-p', 'wrong', registry.name)).stderr, /unauthorized|401/);
    await must(docker(...login));
    assert.match(await must(docker('push', `${name}:1`)), /1: digest: sha256:/);
    await must(docker('tag', `${name}:1`, `${name}:2`));
    await must(docker('push', '-a', name));
    await must(docker('rmi', `${name}:1`, `${name}:2`));

    const pulled = await api('POST', `/images/create?fromImage=${encodeURIComponent(name)}&tag=2`, { 'X-Registry-Auth': registry.auth });
    const progress = pulled.text.trim().split('\r\n');
    const statuses = progress.map((line) => (JSON.parse(line) as { status: string }).status);
    assert.ok(statuses.includes('Pull complete') && statuses.at(-1)?.startsWith('Status: Downloaded newer image'), pulled.text);
    assert.deepEqual(await Promise.all(HOSTS.map((host) => runOn(host, `${name}:2`))), ['private', 'private', 'private']);
    const digest = (await must(docker('images', '--digests', '--format', '{{.Digest}}', name))).trim();
    assert.equal(await runOn('h3', `${name}@${digest}`), 'private');
    const distribution = await api('GET', `/distribution/${name}:2/json`, { 'X-Registry-Auth': registry.auth });
    assert.equal((distribution.json() as { Descriptor: { digest: string } }).Descriptor.digest, digest);
    assert.match((await api('GET', `/distribution/${name}:2/json`)).text, /no basic auth credentials/);

    await must(docker('rmi', `${name}:2`));
    const service = (...args: string[]) => docker('service', ...args);
    const create = ['create', '-q', '--detach', '--name', 'private', '--replicas', '2'];
    const sleeping = ['sh', '-c', 'exec sleep 3600'];
    assert.match((await service(...create, `${name}:2`, ...sleeping)).stderr, /cannot be pulled.*no basic auth credentials/);
    await must(service(...create, '--with-registry-auth', `${name}:2`, ...sleeping));
    await until('both run', async () => (await must(service('ls', '--format', '{{.Replicas}}'))).trim() === '2/2');
    await must(build(`${name}:3`, `FROM busybox\nRUN echo ${Math.random()} > /content\n`, '0'));
    await must(docker('push', `${name}:3`));
    await must(docker('rmi', `${name}:3`));
    await must(service('update', '-q', '--with-registry-auth', '--image', `${name}:3`, 'private'));
    await until('both are of the new image', async () =>
      (await must(docker('ps', '--format', '{{.Image}}', '--filter', 'label=arpanet.service=private')))
        .trim()
        .split('\n')
        .every((image) => image.includes(':3')),
    );
    await must(service('rm', 'private'));
    await must(docker('rmi', ...(await must(docker('images', '-q', name))).trim().split('\n')));
    await must(docker('logout', registry.name));
    assert.match((await docker('pull', `${name}:2`)).stderr, /no basic auth credentials/);
    assert.match((await docker('pull', 'no-registry-here.invalid/x')).stderr, /no-registry-here|lookup|dial|resolv/);
    assert.match((await docker('search', 'busybox')).stderr, /index\.docker\.io/, 'search says what the registry, or its absence, says');
  });

  it('search asks the registry that the term names', async () => {
    const found = { name: 'busybox', description: 'small', star_count: 9, is_official: true, is_automated: false };
    const index = http.createServer((req, res) => {
      const isSearch = req.url?.startsWith('/v1/search?') === true;
      res.writeHead(200, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(isSearch ? { num_results: 1, query: 'busy', results: [found] } : { standalone: true }));
    });
    index.listen(0, cluster.lab.gateway);
    await once(index, 'listening');
    try {
      const at = `${cluster.lab.gateway}:${(index.address() as AddressInfo).port}`;
      assert.match(
        await must(docker('search', '--format', '{{.Name}} {{.StarCount}} {{.IsOfficial}}', `${at}/busy`)),
        /busybox 9 (true|\[OK\])/,
      );
    } finally {
      index.close();
      index.closeAllConnections();
    }
  });

  it('compose build, push and pull, with docker-compose 1.29.2 and with compose v2', async () => {
    const folder = join(scratch, 'composed');
    mkdirSync(folder, { recursive: true });
    await must(docker('login', '-u', registry.user, '-p', registry.password, registry.name));
    for (const tag of ['one', 'two']) {
      const compose = (cwd: string, ...args: string[]) =>
        tag === 'one' ? cluster.composeV1(cwd, ...args) : cluster.composeV2(cwd, ...args);
      const image = `${registry.name}/composed:${tag}`;
      writeFileSync(join(folder, 'Dockerfile'), `FROM busybox\nRUN echo composed-${tag} > /said\nCMD ["cat", "/said"]\n`);
      writeFileSync(join(folder, 'docker-compose.yml'), `version: "3"\nservices:\n  app:\n    build: .\n    image: ${image}\n`);
      await must(compose(folder, 'build'));
      await must(compose(folder, 'push'));
      await must(docker('rmi', image));
      await must(compose(folder, 'pull'));
      const up = await compose(folder, 'up', '--no-build');
      assert.match(up.stdout, new RegExp(`composed-${tag}`), up.stderr);
      await must(compose(folder, 'down', '--rmi', 'all'));
    }
    await must(docker('logout', registry.name));
    assert.doesNotMatch(await must(docker('images')), /composed/);
  });
});
