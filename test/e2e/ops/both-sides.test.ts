/** What compose started and what ops change are one thing: compose, arpanet and the services API by turns on the same containers, in every order. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, main, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';
import { newestDocker } from '../../support/cluster/newest.ts';

const file = `
version: "2.4"
services:
  cache:
    image: busybox
    command: sleep 3600
    stop_grace_period: 1s
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  web:
    image: busybox
    command: sh -c 'echo started; exec sleep 3600'
    stop_grace_period: 1s
    scale: 2
    depends_on: {cache: {condition: service_healthy}}
    environment: {COLOUR: "\${COLOUR:-red}"}
`;
const stack = (colour: string) => `
version: "3.8"
services:
  api:
    image: busybox
    command: sleep 3600
    stop_grace_period: 1s
    environment: {COLOUR: ${colour}}
    deploy: {replicas: 2, update_config: {order: start-first, monitor: 1s}}
`;

describe('one thing, seen from both sides', () => {
  let cluster: Cluster;
  let scratch: string;
  let project: string;
  before(async () => {
    cluster = await startCluster({ store: 'embedded', hosts: 2 });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-both-'));
    project = join(scratch, 'abc');
    mkdirSync(project);
    writeFileSync(join(project, 'docker-compose.yml'), file);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  const lines = (text: string) => text.split('\n').filter(Boolean);
  const docker = (...args: string[]) => must(cluster.docker(...args));
  const arpanet = (...args: string[]) => must(cluster.arpanet(...args));
  const v1 = (...args: string[]) => must(cluster.composeV1(project, '-p', 'abc', ...args));
  const v2 = (...args: string[]) => must(cluster.composeV2(project, ...args));
  const ids = async () => lines(await docker('ps', '-aq', '--no-trunc', '--filter', 'label=com.docker.compose.project=abc')).sort();
  const web = async (...more: string[]) =>
    lines(await docker('ps', ...more, '--filter', 'name=abc[-_]web', '--format', '{{.Names}}')).sort();
  const counted = async (service = 'abc/web') => {
    const [{ desired, running } = {}] = JSON.parse(await arpanet('ps', service, '--json')) as { desired?: number; running?: number }[];
    return [desired, running];
  };
  const colours = async () => {
    const text = await docker('inspect', '-f', '{{range .Config.Env}}{{println .}}{{end}}', ...(await web()));
    return [...new Set(lines(text).filter((line) => line.startsWith('COLOUR=')))].join();
  };
  /** The substitute is gone, too. */
  const isUpdated = () =>
    until('the update has ended', async () => /"update": "completed/.test(await arpanet('ps', 'abc/web', '--json')), 60_000);
  const gone = async () => {
    assert.deepEqual(await ids(), []);
    assert.deepEqual(JSON.parse(await arpanet('ls', '--json')), []);
    await assertNothingLeft(cluster, []);
  };

  it('arpanet deploys a v2 file; compose v2 finds it done, scales, stops and starts it; ops do the same; rm takes it away', async () => {
    await arpanet('deploy', '-f', join(project, 'docker-compose.yml'), '-p', 'abc');
    const first = await ids();
    assert.equal(first.length, 3);
    await v2('up', '-d');
    assert.deepEqual(await ids(), first, 'compose up has nothing to do');
    assert.equal(lines(await v1('ps', '-q')).length, 3, 'compose v1 sees them, too');
    await arpanet('scale', 'abc/web=3');
    assert.equal(lines(await v2('ps', '-q', 'web')).length, 3);
    await v2('up', '-d', '--scale', 'web=4');
    assert.deepEqual(await counted(), [4, 4]);
    await docker('service', 'scale', '-d', 'abc_web=2');
    await until('two are left', async () => (await web('-a')).length === 2);
    assert.deepEqual(await counted(), [2, 2]);
    await v2('stop', 'web');
    assert.deepEqual(await counted(), [2, 0]);
    await arpanet('start', 'abc/web');
    assert.equal(lines(await v2('ps', '-q', 'web')).length, 2);
    await arpanet('stop', 'abc/web');
    assert.deepEqual(await web(), []);
    await v2('start', 'web');
    assert.deepEqual(await counted(), [2, 2]);
    const startedAt = async () => lines(await docker('inspect', '-f', '{{.State.StartedAt}}', ...(await web())));
    const before = await startedAt();
    await arpanet('restart', 'abc/web');
    assert.equal((await startedAt()).filter((at) => !before.includes(at)).length, 2);
    await arpanet('rm', 'abc');
    await gone();
  });

  it('compose v2 brings it up; ops read its logs on and on while a drain moves it', async () => {
    await v2('up', '-d');
    const args = [main, 'logs', 'abc/web', '-f', '--endpoint', cluster.endpoint];
    const logs = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let seen = '';
    logs.stdout.on('data', (chunk: Buffer) => void (seen += chunk.toString()));
    const read = () => new Set([...seen.matchAll(/^(web-\d+) \S+ *\| started/gm)].map(([, name]) => name)).size;
    try {
      await until('both instances are read', () => read() === 2);
      const host = (await docker('inspect', '-f', '{{.Node.Name}}', 'abc-web-1')).trim();
      await cluster.arpanet('drain', host); // exit code 1: the cache stays
      assert.ok(!(await docker('ps', '--format', '{{.Label "arpanet.host"}} {{.Names}}')).includes(`${host} abc-web`));
      await until('the one in its place is read on', () => read() === 3);
      await arpanet('activate', host);
    } finally {
      logs.kill('SIGKILL');
    }
    await v2('down', '-t', '1');
    await gone();
  });

  it('compose v2 brings it up; ops update and roll back; compose recreates it when the file has changed, and removes it', async () => {
    await v2('up', '-d');
    const first = await ids();
    const plan = await arpanet('deploy', '--plan', '-f', join(project, 'docker-compose.yml'), '-p', 'abc');
    assert.equal(plan.match(/^h\d +abc-(cache|web)-\d +stays /gm)?.length, 3, plan);
    await arpanet('deploy', '-f', join(project, 'docker-compose.yml'), '-p', 'abc');
    assert.deepEqual(await ids(), first, 'arpanet deploy has nothing to do');
    await arpanet('update', 'abc/web', '--env', 'COLOUR=blue', '--monitor', '1s');
    assert.equal(await colours(), 'COLOUR=blue');
    assert.match(await v2('exec', '-T', 'web', 'env'), /COLOUR=blue/);
    await arpanet('rollback', 'abc/web');
    assert.equal(await colours(), 'COLOUR=red');
    writeFileSync(join(project, '.env'), 'COLOUR=green\n');
    await v2('up', '-d');
    assert.equal(await colours(), 'COLOUR=green');
    assert.deepEqual(await counted(), [2, 2]);
    await arpanet('scale', 'abc/web+1');
    await v2('down', '-t', '1');
    rmSync(join(project, '.env'));
    await gone();
  });

  it('compose v1 brings it up; ops scale it; the services API updates it; compose v1 sees it all and takes it down', async () => {
    await v1('up', '-d');
    await arpanet('scale', 'abc/web=3');
    assert.equal(lines(await v1('ps', '-q', 'web')).length, 3);
    await until('compose v1 reads what the third says', async () => /web_3.*started/.test(await v1('logs', '--no-color', 'web')));
    await docker('service', 'update', '-q', '--no-resolve-image', '--env-add', 'COLOUR=blue', 'abc_web');
    await isUpdated();
    assert.equal(await colours(), 'COLOUR=blue');
    await v1('scale', 'web=1');
    assert.deepEqual(await counted(), [1, 1]);
    await v1('down', '-t', '1');
    await gone();
  });

  it('a container with nothing but the label of a project comes first; compose v2 uses its network; the services API adds another, and keeps what compose said', async () => {
    await docker(
      'run',
      '-d',
      '--name',
      'early',
      '--label',
      'com.docker.compose.project=abc',
      '--stop-timeout',
      '1',
      'busybox',
      'sleep',
      '3600',
    );
    // and one of a file of the first form, which knows no networks
    writeFileSync(join(project, 'fig.yml'), 'old:\n  image: busybox\n  command: sleep 3600\n');
    await v1('-f', 'fig.yml', 'up', '-d');
    await v2('up', '-d');
    const networksOf = async (name: string) =>
      (await docker('inspect', '-f', '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}', name)).trim();
    const three = ['early', 'abc_old_1', 'abc-web-1'];
    assert.deepEqual(await Promise.all(three.map(networksOf)), ['abc_default', 'abc_default', 'abc_default']);
    const finds = (from: string, name: string) =>
      until(`${from} finds ${name}`, async () => /Name:/.test((await cluster.docker('exec', from, 'nslookup', name)).stdout));
    await finds('early', 'web');
    await finds('abc_old_1', 'web');
    await finds('abc-web-1', 'old');
    await v1('-f', 'fig.yml', 'up', '-d');
    await v2('up', '-d');
    assert.deepEqual(await Promise.all(three.map(networksOf)), ['abc_default', 'abc_default', 'abc_default'], 'both find it done');
    await v1('-f', 'fig.yml', 'rm', '-sf', 'old');
    await docker('network', 'create', 'extra');
    await docker('service', 'update', '-q', '--no-resolve-image', '--network-add', 'extra', 'abc_web');
    await isUpdated();
    assert.deepEqual(await Promise.all((await web()).map(networksOf)), ['abc_default extra', 'abc_default extra']);
    assert.equal(await colours(), 'COLOUR=red');
    assert.equal(lines(await v2('ps', '-q', 'web')).length, 2);
    await finds('early', 'web'); // still, in its first network
    await docker('rm', '-f', 'early');
    await v2('down', '-t', '1');
    await docker('network', 'rm', 'extra');
    await gone();
  });

  it('the newest docker deploys a stack; ops scale it; a second deploy updates it; ops remove it', async () => {
    const newest = newestDocker(cluster, scratch);
    const deploy = async (colour: string) => {
      writeFileSync(join(scratch, 'stack.yml'), stack(colour));
      await newest('stack', 'deploy', '--detach=false', '--resolve-image', 'never', '-c', 'stack.yml', 'st');
    };
    await deploy('red');
    assert.equal(lines(await newest('stack', 'ps', '--filter', 'desired-state=running', '-q', 'st')).length, 2);
    await arpanet('scale', 'st/api=3');
    assert.match(await newest('stack', 'services', 'st'), /st_api +replicated +3\/3/);
    await deploy('blue');
    await until('the file’s count holds again', async () => (await counted('st/api')).join() === '2,2', 60_000);
    assert.match(await newest('service', 'inspect', '-f', '{{.Spec.TaskTemplate.ContainerSpec.Env}}', 'st_api'), /COLOUR=blue/);
    assert.match(await arpanet('ps', 'st'), /st-api-\d +h\d/);
    await arpanet('rm', 'st');
    assert.deepEqual(lines(await newest('stack', 'ls', '--format', '{{.Name}}')), []);
    await gone();
  });
});
