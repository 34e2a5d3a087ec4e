/** Ops look and deploy without a client: explain, ip, dns, events, logs, deploy. Typed as a user types it, against three hosts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, main, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft } from '../../support/cluster/leftovers.ts';

const file = `
services:
  web:
    image: busybox
    command: sh -c 'echo "web says \${WORD:-hello}"; exec sleep 3600'
    depends_on: {db: {condition: service_healthy}}
    env_file: [web.env]
    networks: [default, back]
    stop_grace_period: 1s
    deploy: {replicas: 2}
  db:
    image: busybox
    command: sh -c 'echo ready; exec sleep 3600'
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: {test: "true", interval: 1s}
    stop_grace_period: 1s
    deploy: {placement: {constraints: ["node.labels.rack == RACK"]}}
networks: {back: }
volumes: {data: }
`;

describe('ops on three hosts', () => {
  let cluster: Cluster;
  let scratch: string;
  let project: string;
  const rack = () => cluster.lab.hosts[1]?.name ?? '';
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2 });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-ops-'));
    project = join(scratch, 'abc');
    mkdirSync(project);
    writeFileSync(join(project, 'compose.yml'), file.replace('RACK', rack()));
    writeFileSync(join(project, 'web.env'), 'FROM_FILE=yes\n');
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  const compose = () => join(project, 'compose.yml');
  const lines = (text: string) => text.split('\n').filter(Boolean);
  const fails = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.arpanet(...args);
    assert.notEqual(code, 0, `arpanet ${args.join(' ')} was expected to fail`);
    return stdout + stderr;
  };
  const ids = async () =>
    lines(await must(cluster.docker('ps', '-aq', '--no-trunc', '--filter', 'label=com.docker.compose.project=abc'))).sort();

  it('deploy --plan says host by host what would happen, and changes nothing', async () => {
    const plan = await must(cluster.arpanet('deploy', '-f', compose(), '-p', 'abc', '--plan'));
    assert.match(plan, /^create network abc_back$/m);
    assert.match(plan, /^create volume abc_data$/m);
    assert.match(plan, new RegExp(`^${rack()} +abc-db-1 +create +abc_back +10\\.[\\d.]+ +busybox`, 'm'));
    assert.equal(lines(plan).filter((line) => /abc-web-\d +create/.test(line)).length, 2);
    assert.deepEqual(await ids(), []);
  });

  it('deploy --plan names what would be refused, with each host and why', async () => {
    const text = await fails('deploy', '-f', compose(), '-f', join(scratch, 'none.yml'), '--plan');
    assert.match(text, /cannot read .*none\.yml/);
    writeFileSync(join(scratch, 'big.yml'), 'services:\n  db: {mem_reservation: 900g}\n');
    const refused = await fails('deploy', '-f', compose(), '-f', join(scratch, 'big.yml'), '-p', 'abc', '--plan');
    assert.match(refused, /abc-db-1 +REFUSED .*900 GiB/);
    assert.deepEqual(await ids(), []);
  });

  it('deploy brings it up in order, waits for health, and compose takes it for its own', async () => {
    const planned = await must(cluster.arpanet('deploy', '-f', compose(), '-p', 'abc', '--plan', '--json'));
    await must(cluster.arpanet('deploy', '-f', compose(), '-p', 'abc'));
    const { steps } = JSON.parse(planned) as { steps: { container: string; host: string; addresses: string[] }[] };
    const db = steps.find(({ container }) => container === 'abc-db-1');
    const got = await must(cluster.docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'abc-db-1'));
    assert.equal(got.trim(), db?.addresses[0], 'the address that was planned');
    assert.equal(lines(await must(cluster.composeV2(project, 'ps', '-q'))).length, 3);
    assert.equal(lines(await must(cluster.composeV2(project, 'ps', '-q', 'web'))).length, 2);
    await until('it finds its database', async () =>
      /Name:\s+db\.abc/.test((await cluster.docker('exec', 'abc-web-1', 'nslookup', 'db')).stdout),
    );
    await until('compose has its logs', async () => /web says hello/.test(await must(cluster.composeV2(project, 'logs', '--no-color'))));
    const first = await ids();
    await must(cluster.composeV2(project, 'up', '-d'));
    assert.deepEqual(await ids(), first, 'compose finds its own hash and recreates nothing');
    await must(cluster.composeV2(project, 'up', '-d', '--force-recreate'));
    const theirs = await ids();
    assert.notDeepEqual(theirs, first);
    await must(cluster.arpanet('deploy', '-f', compose(), '-p', 'abc'));
    assert.deepEqual(await ids(), theirs, 'nor does a deploy of what compose made');
  });

  it('deploy again changes nothing; with a change only what differs is recreated', async () => {
    const first = await ids();
    await must(cluster.arpanet('deploy', '-f', compose(), '-p', 'abc'));
    assert.deepEqual(await ids(), first);
    writeFileSync(join(scratch, 'word.yml'), 'services:\n  web: {environment: {WORD: changed}, scale: 1}\n');
    const said = await cluster.arpanet('deploy', '-f', compose(), '-f', join(scratch, 'word.yml'), '-p', 'abc');
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stderr, /abc-db-1: unchanged/);
    assert.match(said.stderr, /abc\/web: abc-web-1 is deregistered, then stopped\n[^]*abc\/web: starting abc-web-1/);
    assert.match(said.stderr, /abc\/web: all instances are up to date/);
    assert.equal((await ids()).length, 2);
    assert.match(await must(cluster.docker('inspect', '-f', '{{.Config.Env}}', 'abc-web-1')), /WORD=changed/);
  });

  it('deploy replaces as update_config says, and rolls back when the new ones fail', async () => {
    const first = await ids();
    writeFileSync(
      join(scratch, 'bad.yml'),
      'services:\n  web: {command: "false", scale: 1, environment: {WORD: changed}, deploy: {update_config: {order: start-first, monitor: 10s}}}\n',
    );
    const said = await fails('deploy', '-f', compose(), '-f', join(scratch, 'bad.yml'), '-p', 'abc');
    assert.match(said, /abc\/web: starting abc-web-2\n[^]*rolling back\n[^]*rolled back: update failed: abc-web-2 exited with 1/);
    assert.deepEqual(await ids(), first, 'the old one never stopped');
  });

  it('deploy builds an image that no host has, uses one that a host has, and takes another one under the same tag', async () => {
    writeFileSync(join(scratch, 'Dockerfile'), 'FROM busybox\nCMD ["sleep", "3600"]\n');
    writeFileSync(join(scratch, 'built.yml'), 'services:\n  app: {build: ., stop_grace_period: 1s}\n');
    const again = () => cluster.arpanet('deploy', '-f', join(scratch, 'built.yml'), '-p', 'built');
    assert.match((await again()).stderr, /app: building built-app/);
    assert.match((await again()).stderr, /^built-app-1: unchanged$/m);
    writeFileSync(join(scratch, 'Dockerfile'), 'FROM busybox\nENV NEW=1\nCMD ["sleep", "3600"]\n');
    await must(cluster.docker('build', '-q', '-t', 'built-app', scratch));
    await must(again());
    assert.match(
      await must(cluster.docker('inspect', '-f', '{{.Config.Env}}', 'built-app-1')),
      /NEW=1/,
      'another image under the same tag',
    );
    await must(cluster.arpanet('rm', 'built'));
  });

  it('explain says why a container is where it is', async () => {
    const text = await must(cluster.arpanet('explain', 'abc-db-1'));
    assert.match(text, new RegExp(`^abc-db-1 is on ${rack()}: chosen .* by spread, from 1 of 3 hosts that fit`));
    // its constraint chose the host of the first one; the volume that one left there holds all that come after
    const refusals = /^h\d +(constraint +node\.labels\.rack==.*|volume +volume abc_data is on h\d)$/;
    assert.equal(lines(text).filter((line) => refusals.test(line.trim())).length, 2, text);
    const decision = JSON.parse(await must(cluster.arpanet('explain', 'abc-db-1', '--json'))) as { refused: unknown[] };
    assert.equal(decision.refused.length, 2);
    assert.match(await must(cluster.arpanet('explain', 'db-1')), new RegExp(`^abc-db-1 is on ${rack()}: `));
    assert.equal((await cluster.arpanet('explain', 'nobody')).code, 2, 'asked wrongly');
    assert.match(await fails('explain', 'nobody'), /No such container: nobody; there are abc-/);
    const short = await must(cluster.docker('ps', '--filter', 'name=^abc-db-1$', '--format', '{{.Label "arpanet.placement"}}'));
    assert.match(short, /^spread, best of 1 that fit(; h\d refused by (constraint|volume)){2}$/m);
    const { stderr } = await cluster.docker('create', '--name', 'giant', '--memory-reservation', '900g', 'busybox');
    assert.match(stderr, /no host fits: h1: .*900 GiB.*; h2: .*; h3: /);
    const why = await must(cluster.arpanet('explain', 'giant'));
    assert.match(why, /^giant is not placed: refused .*, none of 3 hosts fits\n\nREFUSED +RULE +WHY\nh\d +(memory|reservations) .*900 GiB/);
  });

  it('limits reserve nothing: containers of more than any host has are taken; a host that has the image counts as better by the time of a copy', async () => {
    mkdirSync(join(scratch, 'large'));
    writeFileSync(join(scratch, 'large', 'Dockerfile'), 'FROM busybox\nRUN dd if=/dev/zero of=/large bs=1M count=48 2>/dev/null\n');
    await must(cluster.docker('build', '-q', '-t', 'large', join(scratch, 'large')));
    const total = Number(await must(cluster.docker('info', '-f', '{{.MemTotal}}')));
    const both = [1, 2].map((n) => `big-${n}`);
    const most = `${Math.ceil(total / 2 ** 30)}g`; // of all hosts together: so much is on none
    for (const name of both)
      await must(cluster.docker('run', '-d', '-m', most, '--stop-timeout', '0', '--name', name, 'large', 'sleep', '600'));
    const { scored } = JSON.parse(await must(cluster.arpanet('explain', 'big-1', '--json'))) as {
      scored: readonly { host: string; figures: { image: number; copySeconds: number; reservedMemory: number } }[];
    };
    assert.equal(scored.length, 3);
    const [here, ...others] = scored.toSorted((a, b) => b.figures.image - a.figures.image).map(({ figures }) => figures);
    assert.deepEqual([here?.image, here?.copySeconds], [1, 0]);
    for (const { image, copySeconds } of others) assert.ok(image === 0 && copySeconds >= 0.5, `${image} ${copySeconds}`);
    await must(cluster.docker('rm', '-f', ...both));
    await must(cluster.docker('rmi', 'large'));
  });

  it('ip ls and dns ls show who holds which address under which name', async () => {
    const row = lines(await must(cluster.arpanet('ip', 'ls'))).find((line) => / abc-db-1 .* bound$/.test(line)) ?? '';
    assert.match(row, new RegExp(`^abc_back +\\S+/\\d+ +[\\d.]+ +instance +abc-db-1 +${rack()} +bound$`));
    const address = row.split(/ +/)[2] ?? '';
    assert.match(
      await must(cluster.arpanet('dns', 'ls')),
      new RegExp(`^db\\.abc\\.service\\.consul +1/1 +${rack()} +${address.replaceAll('.', '\\.')}$`, 'm'),
    );
    const names = JSON.parse(await must(cluster.arpanet('dns', 'ls', '--json'))) as { name: string }[];
    assert.equal(
      names.some(({ name }) => name === '1.web.abc'),
      true,
    );
  });

  it('logs show all instances in one stream, and go on with those that start later', async () => {
    await until('each has said its line', async () => {
      const once = await must(cluster.arpanet('logs', 'abc'));
      return /^web-1 \S+ *\| web says hello$/m.test(once) && /^db-1 \S+ *\| ready$/m.test(once);
    });
    assert.match(await fails('logs', 'abc/wen'), /no such service/i);
    const child = spawn(process.execPath, [main, 'logs', 'abc/web', '-f', '--endpoint', cluster.endpoint], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => void (seen += chunk.toString()));
    try {
      await until('the first instance is read', () => seen.includes('web-1'));
      await must(cluster.arpanet('scale', 'abc/web=2'));
      await until('the second instance is read', () => /^web-2 \S+ *\| web says/m.test(seen));
      await must(cluster.docker('restart', '-t', '1', 'abc-web-1'));
      await until('the restarted instance is read on', () => seen.match(/^web-1 /gm)?.length === 2);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('events show what happened, with the host', async () => {
    // one of this moment: only the last 256 are kept, and health checks are three each
    await must(
      cluster.docker('run', '-d', '--name', 'seen', '--label', 'arpanet.constraints=["node.name==h2"]', 'busybox', 'sleep', '600'),
    );
    const shown = () =>
      cluster.arpanet('events', '--since', '1h', '--until', '0s', '--filter', 'type=container', '--filter', 'event=start');
    await until('its start is shown', async () => /^\S+Z h2 container start seen \(image=busybox\)$/m.test(await must(shown())));
    await must(cluster.docker('rm', '-f', 'seen'));
    assert.match(await fails('events', '--filter', 'nonsense'), /write KEY=VALUE/);
  });

  const host = async (name: string) => {
    const where = (await must(cluster.docker('inspect', '-f', '{{.Node.Name}}', name))).trim();
    const found = cluster.lab.hosts.find((one) => one.name === where);
    assert.ok(found);
    return found;
  };
  const inside = async (name: string, ...args: string[]) =>
    runProgram('nsenter', [`--net=/run/netns/${(await host(name)).namespace}`, ...args]);
  const hexVni = async () => {
    const networks = JSON.parse(await must(cluster.arpanet('ip', 'ls', '--json'))) as { name: string; vni: number }[];
    return (networks.find(({ name }) => name === 'abc_back')?.vni ?? 0).toString(16).padStart(6, '0');
  };

  it('doctor names who is amiss at either end, and what someone did to the kernel between', async () => {
    assert.match(await fails('doctor', 'nobody', 'db'), /BROKEN +sender +nobody is not a container/);
    await must(cluster.docker('stop', '-t', '1', 'abc-web-2'));
    assert.match(await fails('doctor', 'abc-web-2', 'db'), /BROKEN +sender +abc-web-2 does not run: Exited/);
    await must(cluster.docker('start', 'abc-web-2'));
    await must(cluster.docker('run', '-d', '--name', 'apart', 'busybox', 'sleep', '3600'));
    assert.match(await fails('doctor', 'apart', 'db.abc.service.consul'), /BROKEN +network +apart and abc-db-1 share no network/);
    await must(cluster.docker('rm', '-f', 'apart'));
    const health = ['--health-cmd', 'false', '--health-interval', '1s', '--health-retries', '1'];
    const labels = ['-l', 'arpanet.deployment=abc', '-l', 'arpanet.service=sick', '-l', 'arpanet.dns=healthy'];
    await must(cluster.docker('run', '-d', '--name', 'sick', '--network', 'abc_back', ...health, ...labels, 'busybox', 'sleep', '3600'));
    await until('it is named as unhealthy', async () =>
      /BROKEN +health +sick is unhealthy/.test((await cluster.arpanet('doctor', 'abc-web-1', 'sick')).stdout),
    );
    await must(cluster.docker('rm', '-f', 'sick'));
    const vni = await hexVni();
    const faults: readonly (readonly [command: readonly string[], said: RegExp])[] = [
      [['link', 'set', `arv${vni}`, 'down'], /BROKEN +kernel .*VXLAN device of network abc_back is down/],
      [['link', 'set', `arv${vni}`, 'nomaster'], /BROKEN +kernel .*VXLAN device of network abc_back is not on its bridge/],
      [['link', 'del', `arv${vni}`], /BROKEN +kernel .*network abc_back has no VXLAN device/],
      [['addr', 'flush', 'dev', `arp${vni}`], /BROKEN +kernel .*bridge of network abc_back has lost its address/],
    ];
    // The agent mends each within seconds: it is done again until it was seen.
    for (const [command, said] of faults)
      await until(
        `${command.join(' ')} is named`,
        async () => {
          await inside('abc-db-1', 'ip', ...command);
          return said.test((await cluster.arpanet('doctor', 'abc-web-1', 'db')).stdout);
        },
        40_000,
      );
    await until('it mended itself', async () => (await cluster.arpanet('doctor', 'abc-web-1', 'db')).code === 0, 40_000);
  });

  it('doctor finds a whole way whole, and names the link that was broken', async () => {
    assert.match(await must(cluster.arpanet('doctor', 'abc-web-1', 'db')), /no problem found/);
    assert.match(await must(cluster.arpanet('doctor', 'web', 'db')), /^ok +sender +abc-web-1 runs[^]*no problem found/m);
    await must(cluster.docker('exec', '-d', 'abc-db-1', 'httpd', '-p', '81', '-h', '/tmp'));
    const constraint = `constraint:node!=${rack()}`;
    await must(cluster.docker('run', '-d', '--name', 'far', '--network', 'abc_back', '-e', constraint, 'busybox', 'sleep', '3600'));
    const from = ['doctor', 'far', 'db.abc.service.consul:81'];
    await until('no link is broken, to the port', async () => (await cluster.arpanet(...from)).code === 0);
    assert.match(await fails('doctor', 'far', 'db.abc.service.consul:82'), /BROKEN +port +abc-db-1 at [\d.]+:82 refuses/);
    const rule = ['INPUT', '-p', 'udp', '--dport', '4789', '-j', 'DROP'];
    await must(inside('abc-db-1', 'iptables', '-I', ...rule));
    assert.match(await fails(...from), /BROKEN +port +abc-db-1 at [\d.]+:81 does not answer[^]*firewall on .* UDP port 4789/);
    await must(inside('abc-db-1', 'iptables', '-D', ...rule));
    // The agent mends these two within seconds: they are broken again until they were seen.
    const device = `arv${await hexVni()}`;
    const peer = (await host('abc-db-1')).address;
    await until(
      'the missing forwarding entry is named',
      async () => {
        await inside('far', 'bridge', 'fdb', 'del', '00:00:00:00:00:00', 'dev', device, 'dst', peer);
        return /BROKEN +kernel .*abc_back: forwarding lacks/.test((await cluster.arpanet(...from)).stdout);
      },
      40_000,
    );
    await until(
      'the MTU is named',
      async () => {
        await inside('far', 'ip', 'link', 'set', device, 'mtu', '1200');
        return /BROKEN +mtu .*abc_back: containers send up to 1450 bytes at once, and no more than 1200 pass/.test(
          (await cluster.arpanet(...from)).stdout,
        );
      },
      40_000,
    );
    await until('it mended itself', async () => (await cluster.arpanet(...from)).code === 0, 40_000);
    await must(cluster.docker('rm', '-f', 'far'));
    assert.match(await fails('doctor', 'abc-web-1', 'dbb'), /BROKEN +answer +nothing is called dbb\.abc\.service\.consul/);
    await must(cluster.docker('stop', '-t', '1', 'abc-db-1'));
    assert.match(await fails('doctor', 'abc-web-1', 'db'), /BROKEN +(instance|health) +abc-db-1 /);
  });

  it('deploy gives services their secrets and configs, runs a global one on every host, and keeps to max_replicas_per_node', async () => {
    const text = (config: string) => `
services:
  agent:
    image: busybox
    command: sleep 3600
    stop_grace_period: 1s
    secrets: [key]
    configs: [{source: conf, target: /etc/conf, mode: 0440}]
    deploy: {mode: global}
  pair:
    image: busybox
    command: sleep 3600
    stop_grace_period: 1s
    secrets: [{source: key, target: /etc/key}]
    deploy: {replicas: 2, placement: {max_replicas_per_node: 1}}
secrets: {key: {file: ./key.txt}}
configs: {conf: {content: "${config}"}}
`;
    const file = join(scratch, 'stored.yml');
    writeFileSync(join(scratch, 'key.txt'), 'sesame');
    writeFileSync(file, text('mode=one'));
    const deploy = (...more: string[]) => cluster.arpanet('deploy', '-f', file, '-p', 'stored', ...more);
    const plan = await must(deploy('--plan'));
    assert.match(plan, /^create secret stored_key$/m);
    assert.equal(plan.match(/^h\d +stored-agent-\d +create/gm)?.length, 3, plan);
    assert.equal((await must(cluster.docker('secret', 'ls', '-q'))).trim(), '', 'nothing was changed');
    await must(deploy());

    const hostsOf = async (service: string) =>
      lines(
        await must(
          cluster.docker(
            'ps',
            '--filter',
            `label=com.docker.compose.service=${service}`,
            '--format',
            '{{.Label "arpanet.host"}} {{.Names}}',
          ),
        ),
      ).sort();
    assert.deepEqual(
      (await hostsOf('agent')).map((line) => line.split(' ')[0]),
      ['h1', 'h2', 'h3'],
    );
    const pair = (await hostsOf('pair')).map((line) => line.split(' ')[0]);
    assert.equal(new Set(pair).size, 2, pair.join());
    const names = (await hostsOf('agent')).map((line) => line.split(' ')[1] ?? '');
    const seen = async (name: string, ...command: string[]) => (await must(cluster.docker('exec', name, ...command))).trim();
    for (const name of names) {
      assert.equal(await seen(name, 'cat', '/run/secrets/key', '/etc/conf'), 'sesamemode=one');
      assert.equal(await seen(name, 'stat', '-c', '%a', '/etc/conf'), '440');
    }
    assert.equal(await seen('stored-pair-1', 'cat', '/etc/key'), 'sesame');

    const before = await must(cluster.docker('ps', '-q', '--no-trunc', '--filter', 'label=com.docker.compose.project=stored'));
    await must(deploy());
    const after = await must(cluster.docker('ps', '-q', '--no-trunc', '--filter', 'label=com.docker.compose.project=stored'));
    assert.deepEqual(lines(after).sort(), lines(before).sort(), 'a second deploy changes nothing');
    writeFileSync(file, text('mode=two'));
    await must(deploy());
    for (const line of await hostsOf('agent')) assert.equal(await seen(line.split(' ')[1] ?? '', 'cat', '/etc/conf'), 'mode=two');
    assert.equal((await hostsOf('agent')).length, 3);
    assert.equal(await seen('stored-pair-1', 'cat', '/etc/key'), 'sesame');

    await must(cluster.arpanet('rm', 'stored'));
    await must(cluster.docker('secret', 'rm', 'stored_key'));
    await must(cluster.docker('config', 'rm', 'stored_conf', 'stored_conf-2'));
  });

  it('config set is taken up by all schedulers and agents at once, whichever is asked, and kept', async () => {
    const [, second] = cluster.schedulers;
    const config = (...args: string[]) => cluster.arpanet('config', ...args, '--endpoint', second?.endpoint ?? '');
    const strategies = () =>
      Promise.all(
        cluster.schedulers.map(async ({ url }) => {
          const { strategy } = (await (await fetch(`${url}/arpanet/v1/status`)).json()) as { strategy: string };
          return strategy;
        }),
      );
    assert.match(await must(config('set', 'strategy', 'binpack')), /^strategy is binpack$/m);
    await until('both know it', async () => (await strategies()).join() === 'binpack,binpack');
    await must(config('set', 'body-limit', '1KiB'));
    const post = (url: string) => fetch(`${url}/volumes/create`, { method: 'POST', body: JSON.stringify({ Name: 'x'.repeat(2000) }) });
    for (const { url } of cluster.schedulers)
      await until('no scheduler takes a longer body', async () => /over .*1024|too large|larger/i.test(await (await post(url)).text()));
    const logs = () => cluster.lab.hosts.map(({ dir }) => readFileSync(join(dir, 'agent.log'), 'utf8'));
    await must(config('set', 'log-level', 'debug'));
    await until('every agent says more', () => logs().every((text) => text.includes('"level":20')));
    const list = await must(config('get'));
    assert.match(list, /^strategy +binpack +arpanet config set \(started with spread\)$/m);
    assert.match(list, /^pool +10\.32\.0\.0\/12 +started with$/m);
    assert.equal((await must(config('get', 'body-limit'))).trim(), '1KiB');
    for (const name of ['strategy', 'body-limit', 'log-level']) await must(config('unset', name));
    await until('both are back at what they were started with', async () => (await strategies()).join() === 'spread,spread');
    assert.match(await fails('config', 'set', 'stratgy', 'spread'), /unknown setting "stratgy": did you mean strategy/);
    assert.match(await fails('config', 'set', 'strategy', 'best'), /"best" is not one of spread, binpack, random/);
    assert.match(
      await fails('config', 'set', 'session-ttl', '20s'),
      /cannot be changed at run time: restart arpanet up, scheduler with --session-ttl/,
    );
    assert.match(await fails('config', 'get', 'stratgy'), /did you mean strategy/);
  });

  it('completion knows every command', async () => {
    const script = await must(cluster.arpanet('completion', 'bash'));
    for (const word of ['deploy', 'explain', 'scale', 'doctor']) assert.match(script, new RegExp(`'${word}'\\)`));
    for (const shell of ['zsh', 'fish']) assert.match(await must(cluster.arpanet('completion', shell)), /deploy/);
    assert.match(await fails('completion', 'csh'), /there is completion for bash, zsh, fish, not for csh/);
  });

  it('what is shown can be had as JSON, too', async () => {
    // deploy --plan, explain, ip ls and dns ls are asked so above, ps in services.test.ts
    const looks = ['hosts ls', 'hosts inspect h1', 'status', 'ls', 'audit', 'config get'];
    for (const args of [...looks.map((look) => look.split(' ')), ['rebalance', '--plan'], ['doctor', 'abc-web-1', 'db'], ['token']]) {
      const { stdout, stderr } = await cluster.arpanet(...args, '--json');
      assert.doesNotThrow(() => JSON.parse(stdout), `arpanet ${args.join(' ')} --json: ${stdout}${stderr}`);
    }
  });

  it('compose down takes it all away', async () => {
    await must(cluster.composeV2(project, 'down', '-v'));
    assert.deepEqual(await ids(), []);
    assert.deepEqual(lines(await must(cluster.docker('volume', 'ls', '-q'))), []);
    await assertNothingLeft(cluster, []);
  });
});
