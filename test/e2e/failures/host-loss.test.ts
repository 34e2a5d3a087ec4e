/** A host vanishes: what may move comes up elsewhere as what it was, what may not is refused aloud, and nothing is ever there twice. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { request } from '../../support/cluster/leaders.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { startPrometheus } from '../../support/servers/prometheus.ts';
import { promisedMs } from '../../support/promised.ts';

/** A host is down after this long, and lost after twice as much more. */
const DOWN_MS = 4_000;
const LOST_WITHIN_MS = 3 * DOWN_MS + 12_000;

describe('the loss of a host', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', hosts: 3, mixed: false, schedulerArgs: ['--host-down-after', `${DOWN_MS}ms`] });
    await run('watch', '-e', 'constraint:node==h1');
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const host = (name: string) => cluster.lab.hosts.find((one) => one.name === name) ?? assert.fail();
  const docker = (...args: string[]) => must(cluster.docker(...args));
  /** Only this host takes containers while it runs. */
  async function onlyOn(name: string, act: () => Promise<unknown>): Promise<void> {
    const others = cluster.lab.hosts.filter((one) => one.name !== name);
    for (const other of others) await docker('node', 'update', '--availability', 'pause', other.name);
    await act();
    for (const other of others) await docker('node', 'update', '--availability', 'active', other.name);
  }
  const run = (name: string, ...args: string[]) =>
    docker('run', '-d', '--name', name, '--stop-timeout', '0', ...args, 'busybox', 'sleep', '100000');
  const hostOf = async (name: string) => (await docker('inspect', '-f', '{{.Node.Name}}', name)).trim();
  const address = async (name: string) =>
    (await docker('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name)).trim();
  const rows = async () =>
    (await docker('ps', '-a', '--format', '{{.Names}} {{.Label "arpanet.host"}} {{.Status}}')).trim().split('\n').sort();
  const onEngine = async (name: string) =>
    (await must(cluster.engine(name, 'ps', '-a', '--format', '{{.Names}}')))
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  const resolved = async (from: string, name: string) => {
    const { stdout } = await cluster.docker('exec', from, 'nslookup', `${name}.default.service.consul`);
    const told = stdout.split(/Name:/).slice(1).join('');
    return [...told.matchAll(/Address(?: \d+)?:\s*([\d.]+)/g)].map((m) => m[1] ?? '').sort();
  };
  const alive = (count: number) =>
    until(
      `${count} hosts are alive`,
      async () => (await operator<{ state: string }[]>(cluster, 'hosts')).filter((one) => one.state === 'alive').length === count,
      30_000,
    );
  const warnings = async () => (await operator<{ warnings: string[] }>(cluster, 'status')).warnings.join('\n');
  const agrees = () =>
    until(
      'an audit finds nothing',
      async () => {
        const { findings } = await operator<{ findings: unknown[] }>(cluster, 'audit');
        if (findings.length > 0) throw new Error(JSON.stringify(findings));
        return true;
      },
      30_000,
    );
  const MOVES = ['--label', 'arpanet.reschedule=on-host-failure'];

  it('what may move is moved with its address and name, what may not stays and says why; back again, the twin is gone', async () => {
    await onlyOn('h2', async () => {
      await run('movable', ...MOVES);
      await run('plain');
      await run('data', ...MOVES, '-v', 'data:/data');
      await run('follows', ...MOVES, '--label', 'com.docker.compose.depends_on=movable:service_started:false');
      for (const name of ['pair-1', 'pair-2']) await run(name, '--label', 'arpanet.service=pair');
      await run(
        'always',
        '--restart',
        'always',
        '--label',
        'com.docker.compose.project=shop',
        '--label',
        'com.docker.compose.service=always',
      );
      await run('needs', ...MOVES, '--label', 'com.docker.compose.depends_on=data:service_started:false');
    });
    const before = { movable: await address('movable'), plain: await address('plain') };
    const pair = [await address('pair-1'), await address('pair-2')];
    const agents = cluster.lab.hosts.map((one) => `${one.address}:2376`);
    await using prometheus = await startPrometheus({ 'arpanet-scheduler': [new URL(cluster.url).host], 'arpanet-agent': agents }, '1s');
    assert.deepEqual(await prometheus.firing(), [], 'a cluster that is well');
    await cluster.lab.cut(host('h2'));
    const asked = await request(cluster.url, 'POST', '/containers/plain/start');
    assert.deepEqual([asked.status, asked.retryAfter], [503, '1'], 'nobody waits for an Engine that is not heard of');
    assert.ok(asked.ms < promisedMs(3 * DOWN_MS), `answered after ${asked.ms} ms`);
    await until('it is moved', async () => (await hostOf('movable')) !== 'h2', LOST_WITHIN_MS);
    await until('it runs', async () => (await rows()).some((row) => /^movable h[13] Up/.test(row)), 10_000);
    assert.equal(await address('movable'), before.movable);
    await until('its name is in DNS', async () => (await resolved('watch', 'movable')).join() === before.movable, 5_000);
    await until('it answers', async () => (await cluster.docker('exec', 'watch', 'ping', '-c', '1', '-W', '1', before.movable)).code === 0);
    await until(
      'the held service is there',
      async () => (await rows()).filter((row) => /^pair-\d h[13] Up/.test(row)).length === 2,
      15_000,
    );
    assert.deepEqual([await address('pair-1'), await address('pair-2')], pair);
    await until('what depends on it follows', async () => (await rows()).some((row) => /^follows h[13] Up/.test(row)), 15_000);
    await until('so does what is to run always', async () => (await rows()).some((row) => /^always h[13] Up/.test(row)), 15_000);
    const started = async (name: string) => (await docker('inspect', '-f', '{{.State.StartedAt}}', name)).trim();
    assert.ok((await started('movable')) <= (await started('follows')), 'in the order that compose asked for');
    const now = (await rows()).join('\n');
    assert.match(now, /^data h2 Host down \(was: Up/m);
    assert.match(now, /^plain h2 Host down \(was: Up/m);
    assert.match(now, /^needs h2 Host down/m);
    for (const why of [
      /data is lost with its host and cannot be replaced: .*volume data is on h2/s,
      /needs is lost with its host and cannot be replaced: it depends on data \(service_started\), which does not hold/,
    ])
      await until('it is said why', async () => {
        const said = await warnings();
        return why.test(said) || Promise.reject(new Error(said));
      });
    await until('the alert fires, and no other', async () => (await prometheus.firing()).join() === 'ArpanetHostDown of h2', 60_000);
    assert.deepEqual(await resolved('watch', 'plain'), []);
    assert.deepEqual(
      (await onEngine('h2')).filter((name) => name === 'movable'),
      ['movable'],
      'the lost one still runs behind the cut',
    );

    // From the moment in which the line is whole again until the twin is gone, its peers hear one of the two only.
    const successor = await hostOf('movable');
    const mark = await must(cluster.docker('exec', 'movable', 'hostname'));
    await must(cluster.docker('exec', '-d', 'movable', 'sh', '-c', 'while true; do hostname | nc -l -p 7000; done'));
    await must(cluster.engine('h2', 'exec', '-d', 'movable', 'sh', '-c', 'while true; do hostname | nc -l -p 7000; done'));
    const heard = new Set<string>();
    const over = new AbortController();
    const listening = (async () => {
      while (!over.signal.aborted) {
        const { code, stdout } = await cluster.engine('h1', 'exec', 'watch', 'sh', '-c', `nc -w 1 ${before.movable} 7000 < /dev/null`);
        if (code === 0 && stdout.trim() !== '') heard.add(stdout.trim());
      }
    })();
    await cluster.lab.heal(host('h2'));
    await until('the twin is gone', async () => !(await onEngine('h2')).includes('movable'), 20_000);
    await alive(3);
    over.abort();
    await listening;
    assert.deepEqual([...heard], [mark.trim()]);
    assert.equal(await hostOf('movable'), successor);
    await until('the others are back as they were', async () => (await rows()).filter((row) => / h2 Up/.test(row)).length === 3, 15_000);
    assert.equal(await address('plain'), before.plain);
    await agrees();
    const rules = () => must(runProgram('nsenter', [`--net=/run/netns/${host('h1').namespace}`, 'iptables', '-w', '5', '-S', 'INPUT']));
    await until('the fence is lifted', async () => !(await rules()).includes('arpanet-lost'), 10_000);
    await docker('rm', '-f', 'movable', 'always', 'follows', 'pair-1', 'pair-2', 'plain', 'data', 'needs');
  });

  it('a leader elected while a host is unreachable lists its containers; one that is removed by force is removed from the host when that is back', async () => {
    await docker('network', 'create', '--subnet', '10.98.0.0/24', 'asked');
    await onlyOn('h2', async () => {
      await run('kept', '--network', 'asked');
      await run('unwanted');
    });
    const [kept, given] = [await address('unwanted'), await address('kept')];
    await cluster.lab.cut(host('h2'));
    await endProcess(cluster.schedulers[0]?.process ?? assert.fail());
    await cluster.startScheduler(0);
    await until(
      'they are listed',
      async () => {
        const seen = await rows();
        if (seen.filter((row) => / h2 Host down/.test(row)).length !== 2) throw new Error(seen.join('\n'));
        return true;
      },
      40_000,
    );
    const refused = await cluster.docker('rm', 'kept');
    assert.match(refused.stderr, /host h2 is down/);
    assert.match((await cluster.docker('start', 'kept')).stderr, /host h2 is down/);
    await docker('rm', '-f', 'unwanted');
    assert.ok(!(await rows()).some((row) => row.startsWith('unwanted')));
    await run('unwanted', '-e', 'constraint:node==h1');
    assert.notEqual(await address('unwanted'), kept, 'the address of the one behind the cut is not given away');
    // that of one that is left alone is, once its host is given up
    const taker = [
      'run',
      '-d',
      '--name',
      'taker',
      '--network',
      'asked',
      '--ip',
      given,
      '-e',
      'constraint:node==h1',
      'busybox',
      'sleep',
      '100000',
    ];
    const takes = async () => {
      const { code, stderr } = await cluster.docker(...taker);
      if (code !== 0) await cluster.docker('rm', '-f', 'taker');
      return code === 0 || Promise.reject(new Error(stderr));
    };
    await until('another has its address', takes, LOST_WITHIN_MS);
    await cluster.lab.heal(host('h2'));
    await until('it is gone', async () => !(await onEngine('h2')).includes('unwanted'), 20_000);
    await until('the other is up', async () => (await rows()).some((row) => row.startsWith('kept h2 Up')), 15_000);
    await until('it has an address again', async () => ![given, ''].includes(await address('kept')), 15_000);
    const other = await address('kept');
    await until(
      'they reach each other',
      async () => (await cluster.docker('exec', 'taker', 'ping', '-c', '1', '-W', '5', other)).code === 0,
    );
    await agrees();
    await docker('rm', '-f', 'kept', 'unwanted', 'taker');
    await docker('network', 'rm', 'asked');
  });

  it('over a third of the hosts at once: nothing is moved, no name is removed, and status, events and log say so', async () => {
    for (const name of ['h2', 'h3']) await onlyOn(name, () => run(`on-${name}`, ...MOVES, '--label', 'arpanet.service=spread'));
    const both = [await address('on-h2'), await address('on-h3')].sort();
    const names = () => resolved('watch', 'spread');
    await until('both are in DNS', async () => (await names()).join() === both.join());
    const since = String(Math.floor(Date.now() / 1_000));
    const told = () =>
      docker('events', '--since', since, '--until', '0s', '--format', '{{.Type}} {{.Actor.ID}} {{.Actor.Attributes.warning}}');
    await Promise.all(['h2', 'h3'].map((name) => cluster.lab.cut(host(name))));
    const untilMs = Date.now() + LOST_WITHIN_MS;
    await until(
      'it is said',
      async () => /more than a third of the hosts were lost at the same time/.test(await warnings()),
      LOST_WITHIN_MS,
    );
    while (Date.now() < untilMs) assert.deepEqual(await names(), both);
    assert.match((await rows()).join('\n'), /^on-h2 h2 Host suspect.*\non-h3 h3 Host suspect/m);
    const catalog = await (await fetch(`http://${cluster.consul?.http}/v1/catalog/service/spread.default`)).json();
    assert.equal((catalog as unknown[]).length, 2);
    await until('events tell it', async () => /^node h2 over a third of the hosts/m.test(await told()));
    await Promise.all(['h2', 'h3'].map((name) => cluster.lab.heal(host(name))));
    await alive(3);
    await agrees();
    assert.deepEqual([await hostOf('on-h2'), await hostOf('on-h3')], ['h2', 'h3']);
    await docker('rm', '-f', 'on-h2', 'on-h3', 'watch');
  });
});
