/** Clients old and new against the cluster, beside one of its engines asked directly: what they see must be the same. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import Docker from 'dockerode';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { newestDocker } from '../../support/cluster/newest.ts';
import { repository } from '../../support/cluster/paths.ts';

describe('clients of every age', () => {
  let cluster: Cluster;
  /** What docker reads, for an administrator with a certificate; and what `arpanet user add` prints to type. */
  let secure: { readonly DOCKER_HOST: string; readonly DOCKER_CERT_PATH: string };
  let printed: string;
  before(async () => {
    const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
    cluster = await startCluster({ store: 'embedded', schedulerArgs: ['--listen', `tls://${address}`] });
    const DOCKER_CERT_PATH = join(cluster.lab.dir, 'ada');
    printed = await must(cluster.arpanet('user', 'add', 'ada', '--role', 'admin', '--host', address, '--out', DOCKER_CERT_PATH));
    secure = { DOCKER_HOST: `tcp://${address}`, DOCKER_CERT_PATH };
    assert.match(
      printed,
      new RegExp(`^ *export DOCKER_HOST=tcp://${address} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${DOCKER_CERT_PATH}$`, 'm'),
    );
  });
  after(() => cluster?.[Symbol.asyncDispose]());
  afterEach(async () => {
    const left = (await must(cluster.docker('ps', '-aq'))).split('\n').filter(Boolean);
    if (left.length > 0) await must(cluster.docker('rm', '-fv', ...left));
    await assertNothingLeft(cluster, []);
  });
  /** For docker-py the CAs that a machine's environment names count before those that it is told (psf/requests#3829). */
  const { REQUESTS_CA_BUNDLE: _one, CURL_CA_BUNDLE: _other, ...ownEnv } = process.env;
  const overTls = () => ({ ...ownEnv, ...secure, DOCKER_TLS_VERIFY: '1' });
  const socketOf = (host: string) => cluster.lab.hosts.find((one) => one.name === host)?.socket ?? '';

  it('docker-py 5, over TLS: all that its own tests do, as against one engine', async () => {
    const script = join(repository, 'test', 'clients', 'docker-py.py');
    const against = async (url: string, env = process.env) =>
      (await must(runProgram('/usr/bin/python3', [script, url], { timeoutMs: 280_000, env }))).trim().split('\n');
    const ours = await against(secure.DOCKER_HOST, overTls());
    assert.deepEqual(
      ours.filter((line) => !line.endsWith(': ok')),
      [],
    );
    assert.deepEqual(ours, await against(`unix://${socketOf('h2')}`));
  });

  it('docker 20.10, the command line of Debian 12, over TLS: run, exec, logs, ps, network, volume', async () => {
    const old = (...args: string[]) => must(runProgram('/usr/bin/docker', args, { env: overTls() }));
    assert.match(await old('version', '--format', '{{.Client.Version}} {{.Server.APIVersion}}'), /^20\.10\.\S+ 1\.41\s*$/);
    await old('network', 'create', 'old-net');
    await old('volume', 'create', 'old-vol');
    await old('run', '-d', '--name', 'old', '--network', 'old-net', '-v', 'old-vol:/v', 'busybox', 'sh', '-c', 'echo started; sleep 600');
    assert.equal(await old('exec', 'old', 'sh', '-c', 'echo kept > /v/f; cat /v/f'), 'kept\n');
    await until('what it says is read', async () => (await old('logs', 'old')) === 'started\n');
    assert.match(await old('ps'), /old-net|old/);
    assert.match(await old('network', 'inspect', 'old-net'), /"Name": "old"/);
    assert.match(await old('stats', '--no-stream', 'old'), /old .*%/);
    assert.match(await old('top', 'old'), /sleep/);
    assert.match(await old('inspect', 'old'), /"Status": "running"/);
    assert.match(await old('info'), /h1[\s\S]*h2[\s\S]*h3/);
    await old('rm', '-f', 'old');
    await old('network', 'rm', 'old-net');
    await old('volume', 'rm', 'old-vol');
  });

  it("what compose's own suite looks at: one range of ports for many, and an image's names in order", async () => {
    const docker = (...args: string[]) => must(cluster.docker(...args));
    const names = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6'];
    for (const name of names) await docker('create', '--name', name, '-p', '6105-6106:80', 'busybox', 'sleep', '600');
    await docker('start', ...names);
    for (const name of names) assert.match(await docker('port', name, '80'), /^0\.0\.0\.0:610[56]$/m);
    const { stderr } = await cluster.docker('run', '-d', '-p', '6105-6106:80', 'busybox');
    assert.match(stderr, /no host fits: h1: host port 0\.0\.0\.0:6105-6106\/tcp is taken by r/);
    for (const tag of ['a/tagged:1', 'tagged:1', 'example.org/tagged:1']) await docker('tag', 'busybox', tag);
    const order = ['a/tagged:1', 'busybox:latest', 'tagged:1', 'example.org/tagged:1'];
    assert.deepEqual(JSON.parse(await docker('image', 'inspect', '-f', '{{json .RepoTags}}', 'busybox')), order);
    const listed = (await (await fetch(`${cluster.url}/v1.41/images/json`)).json()) as { readonly RepoTags: readonly string[] }[];
    assert.ok(listed.some(({ RepoTags }) => RepoTags.join() === order.join()));
    await docker('rmi', 'a/tagged:1', 'tagged:1', 'example.org/tagged:1');
  });

  it("what moby's own suite looks at: links as variables and names, events of the past sent once, save by repository, bad bodies, a swarm begun and left", async () => {
    const docker = (...args: string[]) => must(cluster.docker(...args));
    const now = async () => String(Date.parse((await docker('info', '-f', '{{.SystemTime}}')).trim()) / 1000);
    await docker('run', '-d', '--name', 'db', '--hostname', 'wilma', '-e', 'PASS=x', '--expose', '80', 'busybox', 'top');
    const told = await docker(
      'run',
      '--rm',
      '--name',
      'web',
      '--link',
      'db:store',
      'busybox',
      'sh',
      '-c',
      // a name follows the start within milliseconds, after its answer
      'env; for i in $(seq 60); do ping -c1 wilma && ping -c1 store && exit 0; sleep 1; done; exit 1',
    );
    assert.match(told, /^STORE_PORT_80_TCP=tcp:\/\/10\.32\.\S+:80$/m);
    assert.match(told, /^STORE_NAME=\/web\/store$/m);
    assert.match(told, /^STORE_ENV_PASS=x$/m);
    await docker('run', '-d', '--name', 'cut', '--link', 'db:store', 'busybox', 'top');
    assert.equal((await docker('inspect', '-f', '{{.Name}}', 'cut/store')).trim(), '/db');
    await docker('rm', '--link', 'cut/store');
    assert.equal((await docker('inspect', '-f', '{{json .HostConfig.Links}}', 'cut')).trim(), 'null');
    assert.match(await docker('ps', '--format', '{{.Names}}', '--no-trunc'), /^db$/m);
    await until('the link leads nowhere', async () =>
      /bad address/.test((await cluster.docker('exec', 'cut', 'ping', '-c1', 'store')).stderr),
    );
    assert.match((await cluster.docker('rm', '--link', 'cut/store')).stderr, /No such container: cut\/store/);
    assert.match((await cluster.docker('rm', '--link', 'cut')).stderr, /cannot remove the default link name/);
    await docker('stop', '-t', '0', 'db');
    await docker('create', '--name', 'idle', '--link', 'db:store', 'busybox', 'true');
    assert.match((await cluster.docker('start', 'idle')).stderr, /Cannot link to a non running container: \/db AS \/idle\/store/);

    const since = await now();
    await docker('tag', 'busybox', 'clients/tagged:1');
    await docker('tag', 'busybox', 'clients/tagged:2');
    const format = '{{.Type}} {{.Action}} {{with index .Actor.Attributes "name"}}{{.}}{{else}}{{.Actor.ID}}{{end}}';
    const past = async () =>
      (await docker('events', '--since', since, '--until', await now(), '--format', format))
        .trim()
        .split('\n')
        .filter((line) => /past|tagged/.test(line));
    // What an Engine tells comes by another way than its answers.
    await until('the tags are told', async () => (await past()).length >= 2);
    await docker('network', 'create', 'past');
    await docker('volume', 'create', 'past');
    assert.deepEqual(await past(), [
      'image tag clients/tagged:1',
      'image tag clients/tagged:2',
      'network create past',
      'volume create past',
    ]);
    const saved = join(cluster.lab.dir, 'saved.tar');
    await docker('save', '-o', saved, 'clients/tagged');
    assert.match(
      await must(runProgram('tar', ['-xOf', saved, 'manifest.json'])),
      /clients\/tagged:1.*clients\/tagged:2|clients\/tagged:2.*clients\/tagged:1/,
    );
    const newer = async (tag: string) => (await docker('images', '-q', '--filter', `since=clients/second:${tag}`)).trim();
    const made = ['one', 'two'].map((tag) => docker('commit', 'db', `clients/second:${tag}`));
    const [one = '', two = ''] = (await Promise.all(made)).map((id) => id.trim().slice('sha256:'.length, 'sha256:'.length + 12));
    assert.deepEqual([await newer('one'), await newer('two')].toSorted(), ['', (await newer('one')) === '' ? one : two].toSorted());
    await docker('rmi', 'clients/tagged:1', 'clients/tagged:2', 'clients/second:one', 'clients/second:two');
    await docker('network', 'rm', 'past');
    await docker('volume', 'rm', 'past');

    for (const path of ['/containers/nobody/exec', '/networks/create', '/volumes/create']) {
      const answer = await fetch(`${cluster.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{invalid',
      });
      assert.equal(answer.status, 400, path);
      assert.match(await answer.text(), /invalid character 'i' looking for beginning of object key string/, path);
    }
    await docker('swarm', 'leave', '--force');
    // for everybody else nothing has changed, and the next command comes by a connection of its own
    assert.match(await docker('node', 'ls', '--format', '{{.Hostname}}'), /h1\nh2\nh3/);
    assert.match(await docker('swarm', 'init'), /Swarm initialized/);
    assert.match(await docker('node', 'ls', '--format', '{{.Hostname}}'), /h1\nh2\nh3/);
  });

  it('dockerode, over TLS: streams, exec with standard input, and the end of a wait', async () => {
    const url = new URL(secure.DOCKER_HOST);
    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((leaf) => readFileSync(join(secure.DOCKER_CERT_PATH, leaf), 'utf8'));
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('no certificates');
    const docker = new Docker({ host: url.hostname, port: Number(url.port), protocol: 'https', ca, cert, key });
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['cat'], OpenStdin: true, StdinOnce: true, name: 'node' });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    await container.start();
    stream.end('through and back\n');
    const heard: Buffer[] = [];
    for await (const chunk of stream) heard.push(chunk as Buffer);
    assert.equal(Buffer.concat(heard).subarray(8).toString(), 'through and back\n');
    assert.equal(((await container.wait()) as { StatusCode: number }).StatusCode, 0);
    await container.restart();
    const exec = await container.exec({ Cmd: ['cat'], AttachStdin: true, AttachStdout: true });
    const typed = await exec.start({ hijack: true, stdin: true });
    typed.end('typed');
    const answered: Buffer[] = [];
    for await (const chunk of typed) answered.push(chunk as Buffer);
    assert.equal(Buffer.concat(answered).subarray(8).toString(), 'typed');
    assert.equal((await exec.inspect()).ExitCode, 0);
    assert.equal((await docker.listContainers({ all: true }))[0]?.Names[0], '/node');
    await container.remove({ force: true });
    await assert.rejects(container.inspect(), { statusCode: 404 });
  });

  it('compose v1 and v2, a context, BuildKit, buildx and a terminal’s streams, over TLS', async () => {
    const dir = join(cluster.lab.dir, 'over-tls');
    mkdirSync(dir);
    writeFileSync(join(dir, 'Dockerfile'), 'FROM busybox\nRUN echo built > /built\n');
    writeFileSync(join(dir, 'docker-compose.yml'), "version: '3'\nservices: {web: {build: ., command: sleep 600, stop_signal: SIGKILL}}\n");
    const client = { ...ownEnv, DOCKER_CONFIG: join(cluster.lab.dir, 'docker-config'), COMPOSE_INTERACTIVE_NO_CLI: '1' };
    const v1 = (...args: string[]) =>
      must(runProgram('docker-compose', args, { cwd: dir, env: { ...client, ...secure, DOCKER_TLS_VERIFY: '1' } }));
    await v1('up', '-d', '--build');
    assert.equal(await v1('exec', '-T', 'web', 'cat', '/built'), 'built\n');
    await v1('down', '--rmi', 'all');
    const docker = (args: readonly string[], input = '') =>
      must(runProgram('docker', args, { cwd: dir, env: { ...client, DOCKER_CONTEXT: 'ada' }, input }));
    const [imported = ''] = /docker context import ada \S+/.exec(printed) ?? [];
    await must(runProgram('sh', ['-c', imported], { env: client }));
    await docker(['compose', 'up', '-d', '--build']);
    assert.equal(await docker(['compose', 'exec', '-T', 'web', 'cat', '/built']), 'built\n');
    const name = (await docker(['compose', 'ps', '--format', '{{.Name}}'])).trim();
    const input = 'typed\n'.repeat(200_000);
    assert.equal(await docker(['exec', '-i', name, 'cat'], input), input);
    await docker(['compose', 'down', '--rmi', 'all']);
    const newest = newestDocker(cluster, dir, { ...secure, DOCKER_TLS_VERIFY: '1' });
    await newest('buildx', 'build', '-t', 'over-tls-web', '.');
    assert.equal(await newest('run', '--rm', 'over-tls-web', 'cat', '/built'), 'built\n');
    await newest('rmi', 'over-tls-web');
  });

  it('Go’s client: options in a chunked body, an upgrade with it, and a stream after it', async () => {
    await must(cluster.docker('run', '-d', '--name', 'gopher', '--stop-timeout', '0', 'busybox', 'sleep', '600'));
    const { hostname, port } = new URL(cluster.url);
    const { Id } = (await (
      await fetch(`${cluster.url}/v1.41/containers/gopher/exec`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ Cmd: ['head', '-n', '1'], AttachStdin: true, AttachStdout: true, Tty: false }),
      })
    ).json()) as { Id: string };
    const socket = net.connect(Number(port), hostname);
    const headers = 'Host: endpoint\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked';
    const options = '{"Detach":false,"Tty":false}';
    socket.write(`POST /v1.41/exec/${Id}/start HTTP/1.1\r\n${headers}\r\n\r\n${options.length.toString(16)}\r\n`);
    socket.write(`${options}\r\n0\r\n\r\ntyped\n`);
    const heard: Buffer[] = [];
    for await (const chunk of socket) heard.push(chunk as Buffer);
    const answer = Buffer.concat(heard).toString();
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /typed\n$/);
    // as Engines do, for an upgrade that `Connection` does not name too
    const session = net.connect(Number(port), hostname);
    session.write('POST /v1.41/session HTTP/1.1\r\nHost: endpoint\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n');
    const [head] = (await once(session, 'data')) as [Buffer];
    assert.match(head.toString(), /^HTTP\/1\.1 101 [^]*\r\nUpgrade: h2c\r\n/);
    session.destroy();
  });

  it('API 1.24, which fig and the first composes speak: every field that an engine gives is there', async () => {
    const id = (
      await must(cluster.docker('run', '-d', '--name', 'aged', '-p', '80', '-v', '/anonymous', 'busybox', 'sleep', '600'))
    ).trim();
    const host = (await must(cluster.docker('inspect', '-f', '{{.Node.Name}}', id))).trim();
    const paths = ['/containers/json', `/containers/${id}/json`, '/images/json', '/volumes', '/networks'];
    for (const path of paths) {
      const theirs = await get({ socketPath: socketOf(host) }, `/v1.24${path}`);
      const { hostname, port } = new URL(cluster.url);
      const ours = await get({ host: hostname, port }, `/v1.24${path}`);
      assert.deepEqual(missing(theirs, ours, ''), [], path);
    }
    const { NetworkSettings: at } = (await get({ socketPath: socketOf(host) }, `/v1.24/containers/${id}/json`)) as {
      NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
    };
    const { hostname, port } = new URL(cluster.url);
    const shown = (await get({ host: hostname, port }, `/v1.24/containers/${id}/json`)) as { NetworkSettings: { IPAddress: string } };
    assert.equal(
      shown.NetworkSettings.IPAddress,
      Object.values(at.Networks)[0]?.IPAddress,
      'the address at the top level, where fig reads it',
    );
  });
});

function get(where: http.RequestOptions, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = http.get({ ...where, path, timeout: 10_000, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer to ${path}`)));
    request.on('error', reject);
  });
}

/**
 * Fields that the engine gives and we do not. Of a list one element that both have, by id or name (an Engine lists networks in any order), or the first
 * one; of maps by container, label or port nothing.
 */
function missing(theirs: unknown, ours: unknown, path: string): readonly string[] {
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    if (theirs.length === 0 || ours.length === 0) return [];
    const both = theirs.flatMap((one: unknown) =>
      ours.filter((other: unknown) => isSame(one, other)).map((other: unknown) => [one, other] as const),
    );
    const [one, other] = both[0] ?? [theirs[0], ours[0]];
    return missing(one, other, `${path}[0]`);
  }
  if (typeof theirs !== 'object' || theirs === null) return [];
  if (typeof ours !== 'object' || ours === null) return [path];
  if (/\.(Labels|Containers|Networks|Ports|Options|ExposedPorts|PortBindings|Plugins|RegistryConfig|Runtimes|GraphDriver)$/.test(path))
    return [];
  const mine = ours as Record<string, unknown>;
  return Object.entries(theirs).flatMap(([field, value]) =>
    field in mine ? missing(value, mine[field], `${path}.${field}`) : [`${path}.${field}`],
  );
}

function isSame(one: unknown, other: unknown): boolean {
  const { Id: id, Name: name } = one as { Id?: unknown; Name?: unknown };
  const { Id: otherId, Name: otherName } = other as { Id?: unknown; Name?: unknown };
  return (id !== undefined && id === otherId) || (name !== undefined && name === otherName);
}
