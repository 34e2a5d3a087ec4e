/** Every verb of the docker CLI that the first promise names, typed as a user types it, against three hosts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';

describe('docker against three hosts', () => {
  let cluster: Cluster;
  let scratch: string;
  before(async () => {
    cluster = await startCluster({ store: 'embedded' });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-verbs-'));
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  afterEach(async () => {
    const left = (await must(docker('ps', '-aq'))).split('\n').filter(Boolean);
    if (left.length > 0) await must(docker('rm', '-fv', ...left));
    await assertNothingLeft(cluster, []);
  });
  const docker = (...args: string[]) => cluster.docker(...args);
  const env = () => ({ ...process.env, DOCKER_HOST: cluster.endpoint });
  /** Types at a terminal: `script` gives the client a real tty. */
  const atTerminal = (command: string, input: string) =>
    runProgram('script', ['-qec', command, '/dev/null'], { env: { ...env(), TERM: 'dumb' }, input });
  const hostOf = async (name: string) => (await must(docker('inspect', '-f', '{{.Node.Name}}', name))).trim();

  it('run: foreground output, exit code, --rm, -i with standard input to its end, -it at a terminal', async () => {
    assert.equal((await must(docker('run', '--rm', 'busybox', 'echo', 'hello'))).trim(), 'hello');
    assert.equal((await docker('run', '--rm', 'busybox', 'sh', '-c', 'exit 7')).code, 7);
    const cat = await runProgram('docker', ['run', '--rm', '-i', 'busybox', 'cat'], { env: env(), input: 'through and back\n' });
    assert.equal(cat.stdout, 'through and back\n');
    const tty = await atTerminal(
      'docker run --rm -it busybox sh -c "test -t 0 && echo is-a-terminal; read line; echo got:$line"',
      'typed\n',
    );
    assert.match(tty.stdout, /is-a-terminal/);
    await until('--rm removed them all', async () => (await must(docker('ps', '-aq'))).trim() === '');
  });

  it('run --rm -i passes 16 MiB through unchanged', async () => {
    const bytes = randomBytes(16 << 20);
    const child = spawn('docker', ['run', '--rm', '-i', 'busybox', 'cat'], { env: env(), stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(bytes);
    const hash = createHash('sha256');
    for await (const chunk of child.stdout) hash.update(chunk as Buffer);
    assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  });

  it('run -d, ps, inspect, port, logs, logs -f, top, stop, start, restart, wait, kill, rm', async () => {
    const id = (
      await must(
        docker(
          'run',
          '-d',
          '--name',
          'web',
          '-p',
          '80',
          '--label',
          'color=blue',
          'busybox',
          'sh',
          '-c',
          'echo one; sleep 1; echo two; exec httpd -f -p 80',
        ),
      )
    ).trim();
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal((await must(docker('ps', '-q', '--no-trunc', '--filter', 'label=color=blue'))).trim(), id);
    assert.match(await must(docker('ps')), /Up (Less than a second|\d+ seconds?|About a minute)/);
    assert.match((await must(docker('inspect', '-f', '{{.Name}} {{.State.Running}}', id.slice(0, 12)))).trim(), /^\/web true$/);
    assert.match(await must(docker('port', 'web')), /80\/tcp -> /);
    const follow = runProgram('docker', ['logs', '-f', 'web'], { env: env() });
    assert.match(await must(docker('top', 'web')), /httpd|sleep/);
    await until('both are said', async () => (await must(docker('logs', 'web'))).includes('two'));
    const address = () => must(docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'web'));
    const before = await address();
    await must(docker('kill', '-s', 'KILL', 'web'));
    assert.equal((await must(follow)).trim(), 'one\ntwo', 'logs -f ends when the container does');
    assert.equal((await must(docker('wait', 'web'))).trim(), '137');
    assert.match((await must(docker('ps', '-a', '--format', '{{.Status}}'))).trim(), /^Exited \(137\)/);
    await must(docker('start', 'web'));
    await must(docker('restart', '-t', '1', 'web'));
    assert.equal(await address(), before, 'keeps its address over restart');
    await must(docker('stop', '-t', '1', 'web'));
    await must(docker('rm', 'web'));
    assert.equal((await docker('inspect', 'web')).code, 1);
  });

  it('exec, exec -i, exec -it, attach, pause, rename, update, diff, commit, export', async () => {
    await must(docker('run', '-di', '--name', 'box', 'busybox', 'sh', '-c', 'while read line; do echo got:$line; done; sleep 600'));
    assert.equal((await docker('exec', 'box', 'sh', '-c', 'exit 5')).code, 5);
    assert.equal((await runProgram('docker', ['exec', '-i', 'box', 'cat'], { env: env(), input: 'in and out' })).stdout, 'in and out');
    assert.match((await atTerminal('docker exec -it box sh -c "tty; stty size"', '')).stdout, /\/dev\/pts\//);
    const attached = spawn('docker', ['attach', '--no-stdin=false', '--sig-proxy=false', 'box'], {
      env: env(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let heard = '';
    attached.stdout.on('data', (data: Buffer) => (heard += data.toString()));
    attached.stdin.write('ping\n');
    await until('the attached client hears the answer', () => heard.includes('got:ping'));
    attached.kill();
    await must(docker('pause', 'box'));
    assert.match(await must(docker('ps')), /\(Paused\)/);
    await must(docker('unpause', 'box'));
    await must(docker('rename', 'box', 'crate'));
    assert.equal((await must(docker('ps', '--format', '{{.Names}}'))).trim(), 'crate');
    await must(docker('update', '--memory', '64m', '--memory-swap', '64m', 'crate'));
    await must(docker('exec', 'crate', 'sh', '-c', 'echo new > /root/file'));
    assert.match(await must(docker('diff', 'crate')), /A \/root\/file/);
    await must(docker('commit', 'crate', 'crate:saved'));
    assert.equal((await must(docker('run', '--rm', 'crate:saved', 'cat', '/root/file'))).trim(), 'new');
    const tar = await runProgram('sh', ['-c', 'docker export crate | tar -t | grep -c root/file'], { env: env() });
    assert.equal(tar.stdout.trim(), '1');
    await must(docker('rm', '-f', 'crate'));
    await must(docker('rmi', 'crate:saved'));
  });

  /** `docker events`, which is told already what happens from now on. */
  const listen = async (...more: string[]) => {
    const child = spawn('docker', ['events', ...more], { env: env(), stdio: ['ignore', 'pipe', 'inherit'] });
    let heard = '';
    child.stdout.on('data', (data: Buffer) => (heard += data.toString()));
    await until('docker events hears', async () => {
      await must(docker('volume', 'create', 'ping'));
      await must(docker('volume', 'rm', 'ping'));
      return /^volume destroy /m.test(heard);
    });
    return { heard: () => heard, end: () => child.kill() };
  };

  it('cp out and in, stats, events', async () => {
    const events = await listen('--format', '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}');
    await must(docker('run', '-d', '--name', 'cp', 'busybox', 'sleep', '600'));
    writeFileSync(join(scratch, 'file'), 'carried');
    await must(docker('cp', join(scratch, 'file'), 'cp:/tmp/file'));
    assert.equal((await must(docker('exec', 'cp', 'cat', '/tmp/file'))).trim(), 'carried');
    await must(docker('cp', 'cp:/tmp/file', join(scratch, 'back')));
    assert.equal(readFileSync(join(scratch, 'back'), 'utf8'), 'carried');
    assert.match(await must(docker('stats', '--no-stream', 'cp')), /cp .*%/);
    await must(docker('rm', '-f', 'cp'));
    await until('the destroy event', () => events.heard().includes('container destroy cp'));
    events.end();
    const own = events
      .heard()
      .split('\n')
      .filter((line) => line.startsWith('container') && line.endsWith(' cp') && !line.includes('exec_'));
    assert.deepEqual(
      own.filter((line) => !/archive-path|extract-to-dir/.test(line)),
      ['container create cp', 'container start cp', 'container kill cp', 'container die cp', 'container destroy cp'],
    );
  });

  it('events of networks and volumes: as many as one Engine sends, live and afterwards, until the time in info', async () => {
    const format = ['--format', '{{.Type}} {{.Action}} {{or .Actor.Attributes.name .Actor.ID}}'];
    const time = async () => (await must(docker('info', '-f', '{{.SystemTime}}'))).trim();
    const since = await time();
    const live = await listen(...format);
    await must(docker('network', 'create', 'told'));
    await must(docker('volume', 'create', 'told'));
    await must(docker('run', '-d', '--name', 'teller', '--network', 'told', '-v', 'told:/told', 'busybox', 'sleep', '600'));
    writeFileSync(join(scratch, 'word'), 'word');
    await must(docker('create', '--name', 'carrier', 'busybox'));
    await must(docker('cp', join(scratch, 'word'), 'carrier:/word'));
    const early = await time();
    await must(docker('rm', '-f', 'teller', 'carrier'));
    // An Engine's own word comes by another way than the cluster's.
    await until('it is told that they are unused', () =>
      ['network disconnect told', 'volume unmount told'].every((line) => live.heard().includes(line)),
    );
    await must(docker('volume', 'rm', 'told'));
    await must(docker('network', 'rm', 'told'));
    // The last of the network, of the volume, and of the container: whichever is told last.
    const last = ['network destroy told', 'volume destroy told', 'container destroy teller', 'container destroy carrier'];
    await until('the last of them', () => last.every((line) => live.heard().includes(line)));
    live.end();
    const heard = live.heard();
    const told = (all: string, type: string) =>
      all.split('\n').flatMap((line) => (line.startsWith(`${type} `) && line.endsWith(' told') ? [line.split(' ')[1]] : []));
    const replay = await must(docker('events', ...format, '--since', since, '--until', await time()));
    for (const all of [heard, replay]) {
      assert.deepEqual(told(all, 'network'), ['create', 'connect', 'disconnect', 'destroy']);
      // old Engines tell of a volume at each container's create, too
      const [create, ...others] = told(all, 'volume');
      assert.equal(create, 'create');
      assert.deepEqual(others[0] === 'create' ? others.slice(1) : others, ['mount', 'unmount', 'destroy']);
    }
    assert.deepEqual(told(replay, 'volume'), told(heard, 'volume'));
    const before = await must(docker('events', ...format, '--until', early));
    assert.match(before, /container extract-to-dir carrier/);
    assert.doesNotMatch(before, /container destroy carrier/);
  });

  it('--volumes-from and --network container: land where they must; the host and none networks keep their meaning', async () => {
    await must(
      docker(
        'run',
        '-d',
        '--name',
        'parent',
        '-v',
        '/shared',
        'busybox',
        'sh',
        '-c',
        'echo it > /shared/f; exec httpd -f -p 80 -h /shared',
      ),
    );
    const shared = ['run', '--rm', '--volumes-from', 'parent', 'busybox', 'cat', '/shared/f'];
    await until('shared file', async () => (await docker(...shared)).stdout.trim() === 'it');
    const page = ['run', '--rm', '--network', 'container:parent', 'busybox', 'wget', '-qO-', 'http://127.0.0.1/f'];
    await until('it listens, and is asked by its localhost', async () => (await docker(...page)).stdout.trim() === 'it');
    assert.doesNotMatch(await must(docker('run', '--rm', '--network', 'none', 'busybox', 'ip', 'addr')), /eth0/);
    assert.match(await must(docker('run', '--rm', '--network', 'host', 'busybox', 'ip', 'addr')), /10\.77\./);
    await must(docker('rm', '-fv', 'parent'));
  });

  it('stop waits between leaving DNS and SIGTERM where a label says so', async () => {
    const nap = ['--stop-timeout', '0', 'busybox', 'sleep', '600'];
    await must(docker('network', 'create', 'quiet'));
    await must(docker('run', '-d', '--name', 'asker', '--network', 'quiet', ...nap));
    const told = ['--name', 'told', '--network', 'quiet', '--network-alias', 'site', '--label', 'arpanet.drain-time=300s'];
    await must(docker('run', '-d', ...told, ...nap));
    // Not by its container name: for that, an Engine does not ask us where both are on its host.
    const resolves = async () => (await docker('exec', 'asker', 'ping', '-c', '1', '-W', '2', 'site')).code === 0;
    await until('its name leads to it', resolves);
    const stopped = must(docker('stop', 'told'));
    await until('its name is gone', async () => !(await resolves()));
    assert.equal((await must(docker('inspect', '-f', '{{.State.Running}}', 'told'))).trim(), 'true', 'and it runs on');
    await must(docker('kill', 'told'));
    await stopped;
    assert.equal((await must(docker('inspect', '-f', '{{.State.Running}}', 'told'))).trim(), 'false');
    await must(docker('rm', '-f', 'asker', 'told'));
    await must(docker('network', 'rm', 'quiet'));
  });

  it('a fixed port that is published on another host, too, is said in the answer; host-network containers are beside their project’s ports', async () => {
    const nap = ['--stop-timeout', '0', 'busybox', 'sleep', '600'];
    const of = (service: string) => ['--label', 'com.docker.compose.project=pair', '--label', `com.docker.compose.service=${service}`];
    await must(docker('run', '-d', '--name', 'one', '-p', '7001:80', ...nap));
    const { code, stderr } = await docker('run', '-d', '--name', 'two', '-p', '7001:80', ...nap);
    assert.equal(code, 0, stderr);
    const [first, second] = [await hostOf('one'), await hostOf('two')];
    assert.match(
      stderr,
      new RegExp(`port 7001/tcp is published by one on host ${first}, too: this container answers at host ${second} only`),
    );
    const far = `constraint:node!=${first}`;
    await must(docker('run', '-d', '--name', 'web', '-p', '7002:80', '-e', far, ...of('web'), ...nap));
    for (const name of ['p1', 'p2', 'p3']) await must(docker('run', '-d', '--name', name, '--network', 'host', ...of(name), ...nap));
    assert.deepEqual(await Promise.all(['p1', 'p2', 'p3'].map(hostOf)), Array(3).fill(await hostOf('web')));
  });

  it('info lists the hosts; version names them', async () => {
    const info = await must(docker('info'));
    for (const host of ['h1', 'h2', 'h3']) assert.match(info, new RegExp(host));
    assert.match(await must(docker('version')), /arpanet/);
  });

  it('the command line: hosts, status, token, --json, --help, exit codes', async () => {
    assert.match(await must(cluster.arpanet('hosts')), /HOST\s+ADDRESS\s+STATE[\s\S]*h1\s+10\.77\.\d+\.11\s+alive/);
    const hosts = JSON.parse(await must(cluster.arpanet('hosts', '--json'))) as { name: string }[];
    assert.deepEqual(
      hosts.map((h) => h.name),
      ['h1', 'h2', 'h3'],
    );
    assert.match(await must(cluster.arpanet('status')), /leader\s+s1/);
    assert.equal((await must(cluster.arpanet('token'))).trim(), 'a-token-for-tests');
    const unknown = await cluster.arpanet('hots');
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /hosts/);
    assert.match(await must(cluster.arpanet('agent', '--help')), /Usage: arpanet/);
  });
});
