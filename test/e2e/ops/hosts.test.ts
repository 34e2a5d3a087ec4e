/** Ops and their hosts: look, limit, drain, even out, clean, reset, remove, add. Typed as a user types it, against one cluster of three hosts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { assertNothingLeft, operator } from '../../support/cluster/leftovers.ts';

const file = `
services:
  web:
    image: busybox
    command: sleep 3600
    stop_signal: SIGKILL
  data:
    image: busybox
    command: sleep 3600
    volumes: ["kept:/kept"]
    stop_grace_period: 1s
volumes: {kept: }
`;

interface Instance {
  readonly name: string;
  readonly host: string;
}

describe('hosts', () => {
  let cluster: Cluster;
  let scratch: string;
  let project: string;
  before(async () => {
    cluster = await startCluster({ store: 'consul', schedulers: 2, schedulerArgs: ['--host-down-after', '3s'] });
    scratch = mkdtempSync(join(tmpdir(), 'arpanet-hosts-'));
    project = join(scratch, 'abc');
    mkdirSync(project);
    writeFileSync(join(project, 'compose.yml'), file);
    await must(cluster.composeV2(project, 'up', '-d'));
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });
  const arpanet = (...args: string[]) => must(cluster.arpanet(...args));
  const json = async <T>(...args: string[]) => JSON.parse(await arpanet(...args, '--json')) as T;
  const fails = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.arpanet(...args);
    assert.notEqual(code, 0, `arpanet ${args.join(' ')} was expected to fail`);
    return stdout + stderr;
  };
  const instances = async (service = 'abc/web') => {
    const [one] = await json<{ running: number; instances: Instance[] }[]>('ps', service);
    return one ?? { running: 0, instances: [] };
  };
  const perHost = async (service?: string) => {
    const counts = new Map<string, number>();
    for (const { host } of (await instances(service)).instances) counts.set(host, (counts.get(host) ?? 0) + 1);
    return Object.fromEntries(counts);
  };
  const dataHost = async () => (await instances('abc/data')).instances[0]?.host ?? '';
  const others = async () => ['h1', 'h2', 'h3'].filter((host) => host !== data);
  const logOf = (host: string) => join(cluster.lab.hosts.find((one) => one.name === host)?.dir ?? '', 'agent.log');
  let data: string;

  it('ls and inspect show load, reservations, networks, containers and addresses; a slip names the nearest', async () => {
    data = await dataHost();
    assert.match(
      await arpanet('hosts', 'ls'),
      /^HOST +ADDRESS +STATE +AVAILABILITY +ENGINE +CPUS +CPU +MEMORY +RESERVED +RUNNING +CONTAINERS +LABELS\nh1 .* rack=h1$/m,
    );
    assert.equal((await arpanet('hosts', data)).split('\n').filter((line) => line.startsWith('h')).length, 1);
    const detail = await arpanet('hosts', 'inspect', data);
    assert.match(detail, /^state +alive$/m);
    assert.match(detail, /^volumes +abc_kept$/m);
    assert.match(detail, /^abc_default +10\.\S+ +10\.\S+ +[1-9]/m);
    assert.match(detail, /^abc-data-1 +busybox +Up .* +10\.\S+$/m);
    assert.match(await fails('hosts', 'inspect', 'h9'), /no such host: h9; there are h1, h2, h3/);
    assert.match(await fails('hosts', 'drian'), /neither a host nor a command for hosts.*did you mean drain\?/);
  });

  it('update sets labels and limits; placement keeps to them, and none goes below what is there', async () => {
    await arpanet('hosts', 'update', data, '--label-add', 'disk=ssd', '--label-rm', 'rack', '--max-containers', '2');
    const [one] = await json<{ labels: object; limits: object }[]>('hosts', data);
    assert.deepEqual([one?.labels, one?.limits], [{ disk: 'ssd' }, { maxContainers: 2 }]);
    // An Engine that is too busy to answer in time fails the command, which says that the count stays.
    await until('there are four', async () => (await cluster.arpanet('scale', 'abc/web=4')).code === 0, 60_000);
    assert.ok(((await perHost())[data] ?? 0) <= 1, JSON.stringify(await perHost()));
    await must(
      cluster.docker(
        'run',
        '-d',
        '--name',
        'big',
        '--label',
        'arpanet.reserve=cpus=0.5,memory=64m',
        '-e',
        `constraint:node==${(await others())[0]}`,
        'busybox',
        'sleep',
        '3600',
      ),
    );
    const [other = ''] = await others();
    assert.match(
      await fails('hosts', 'update', other, '--memory', '32m'),
      /reserve 64 MiB of memory, more than 32 MiB: move work off it first/,
    );
    assert.match(await fails('hosts', 'update', other, '--cpus', '0.25'), /reserve 0\.5 CPUs, more than 0\.25/);
    assert.match(await fails('hosts', 'update', other, '--cpus', '4000'), /it cannot be let 4000/);
    assert.match(await fails('hosts', 'update', other, '--max-containers', '1'), new RegExp(`${other} runs \\d+ containers, more than 1`));
    assert.match(await arpanet('hosts', other), /0\.5 CPU, 64 MiB/);
    await must(cluster.docker('rm', '-f', 'big'));
    await arpanet('hosts', 'update', data, '--max-containers', 'none');
  });

  it('drain moves what can move and names what stays; the last host is refused; a second change has to wait', async () => {
    const [first = '', second = ''] = await others();
    const draining = cluster.arpanet('drain', first);
    // Neither by a program, which would start when the drain is over, nor before the drain holds the host: it would be refused itself.
    const availability = async () =>
      (await operator<{ name: string; availability: string }[]>(cluster, 'hosts')).find(({ name }) => name === first)?.availability;
    await until('it is being drained', async () => (await availability()) === 'drain');
    const another = await fetch(`${cluster.url}/arpanet/v1/hosts/${first}/rm`, { method: 'POST' });
    assert.match(await another.text(), /is being drained \(started \d+ s ago\): wait until that has ended/);
    assert.match(await must(draining), new RegExp(`^${first}: \\d moved, 0 stay$`, 'm'));
    assert.equal((await perHost())[first], undefined);
    assert.equal((await instances()).running, 4);
    const stays = await cluster.arpanet('drain', data);
    assert.equal(stays.code, 1);
    assert.match(stays.stderr, /abc-data-1 stays: its data is in the local volume abc_kept/);
    assert.deepEqual(await perHost(), { [second]: 4 });
    assert.match(await fails('drain', second), /is the last host that takes containers.*start another.*or activate one first/);
    // Moves are slow so that people's requests are not cut; here nobody asks.
    await arpanet('update', 'abc/web', '--monitor', '300ms', '--drain-time', '300ms');
    await arpanet('activate', data);
  });

  it('rebalance --plan says what would move and moves nothing; --max moves so many; fillup brings paused work back and takes its share', async () => {
    const [first = '', second = ''] = await others();
    const before = await perHost();
    const plan = await arpanet('rebalance', '--plan');
    assert.match(plan, new RegExp(`^abc-web-\\d +abc/web +${second} +${data}$`, 'm'));
    assert.deepEqual(await perHost(), before);
    await arpanet('rebalance', '--max', '1');
    assert.deepEqual(await perHost(), { [data]: 1, [second]: 3 });
    assert.equal((await instances()).running, 4);
    await must(cluster.docker('run', '-d', '--name', 'halted', '-e', `constraint:node==${data}`, 'busybox', 'sleep', '3600'));
    await must(cluster.docker('pause', 'halted'));
    assert.match(await fails('rebalance', '--max', '0'), /--max is "0": it is how many/);
    assert.match(await arpanet('hosts', 'fillup', first), new RegExp(`^[12] moved to ${first}$`, 'm'));
    const { stderr } = await cluster.arpanet('hosts', 'fillup', data);
    assert.match(stderr, /halted resumed/);
    assert.equal(await must(cluster.docker('inspect', '-f', '{{.State.Paused}}', 'halted')), 'false\n');
    await must(cluster.docker('rm', '-f', 'halted'));
    assert.equal((await instances()).running, 4);
    assert.match(await arpanet('rebalance', '--plan'), /nothing to do/);
  });

  it('clean says what would go, asks, and takes only what nobody uses', async () => {
    const [first = ''] = await others();
    await must(cluster.docker('run', '--name', 'job', '-e', `constraint:node==${first}`, 'busybox', 'true'));
    await until('it is planned', async () => /1 stopped container: job/.test(await arpanet('hosts', 'clean', first, '--plan')));
    assert.match(await fails('hosts', 'clean', first), /nobody can confirm: give --yes/);
    const { stderr } = await cluster.arpanet('hosts', 'clean', first, '--volumes', '--networks', '--yes');
    assert.match(stderr, /container job removed/);
    assert.equal((await must(cluster.docker('ps', '-aq', '--filter', 'name=job'))).trim(), '');
    assert.equal((await instances()).running, 4);
  });

  it('reset is refused while containers are there; an empty host comes back bare, and takes containers again', async () => {
    const [first = ''] = await others();
    assert.match(await fails('hosts', 'reset', first), new RegExp(`\\d containers? on ${first} \\(.*"arpanet drain ${first}" moves`));
    await arpanet('drain', first);
    // A network that nobody uses any more lingers for some seconds: whether reset finds one is chance. What is left then is not.
    const { containers } = await json<{ containers: string[]; networks: string[] }>('hosts', 'reset', first);
    assert.deepEqual(containers, []);
    const host = cluster.lab.hosts.find((one) => one.name === first);
    assert.equal(await must(cluster.engine(first, 'network', 'ls', '--filter', 'label=arpanet.network', '--format', '{{.Name}}')), '');
    assert.ok(host);
    await arpanet('hosts', 'fillup', first);
    assert.ok(((await perHost())[first] ?? 0) >= 1);
    const back = (await instances()).instances.find((one) => one.host === first)?.name ?? '';
    await until('who is back finds the others', async () => (await cluster.docker('exec', back, 'nslookup', 'data')).code === 0);
  });

  it('rm refuses a host that holds something; an empty one goes, is refused, and may come back', async () => {
    const [first = ''] = await others();
    assert.match(await fails('hosts', 'rm', data), /holds \d containers? \(.*\) and the data of 1 volume \(abc_kept\): "arpanet drain/);
    await must(cluster.docker('node', 'update', '--availability', 'drain', first));
    // Docker's word for it drains, too; until that is done the host is held.
    await until('it is empty and goes', async () => (await cluster.arpanet('hosts', 'rm', first)).code === 0, 60_000);
    assert.equal((await instances()).running, 4);
    assert.doesNotMatch(await arpanet('hosts'), new RegExp(`^${first} `, 'm'));
    assert.match(await fails('hosts', 'inspect', first), /no such host/);
    assert.match(await fails('hosts', 'rm', first), /was removed already/);
    const host = cluster.lab.hosts.find((one) => one.name === first);
    assert.match(await fails('hosts', 'add', 'No'), /is not a valid host name/);
    assert.match(await fails('hosts', 'add', data), /is a host already/);
    assert.match(
      await arpanet('hosts', 'add', 'h9', '--address', '10.9.9.9', '--label', 'disk=ssd'),
      /ARPANET_JOIN_TOKEN=a-token-for-tests arpanet agent --join http:\/\/\S+ --name h9 --address 10\.9\.9\.9/,
    );
    assert.match(await arpanet('hosts'), /^h9 +10\.9\.9\.9 +expected/m);
    await arpanet('hosts', 'rm', 'h9');
    assert.equal(await arpanet('hosts', 'add', first, '--address', host?.address ?? '', '--max-containers', '9'), `${first} has joined\n`);
    assert.deepEqual((await json<{ limits: object }[]>('hosts', first))[0]?.limits, { maxContainers: 9 });
    await arpanet('hosts', 'fillup', first);
    assert.notEqual(await must(cluster.engine(first, 'ps', '-q')), '');
    await arpanet('hosts', 'rm', first, '--force');
    assert.equal(await must(cluster.engine(first, 'ps', '-aq')), '', 'a living host is emptied');
    await until('four run elsewhere', async () => (await instances()).running === 4, 30_000);
    assert.match(await arpanet('hosts', 'add', first), /has joined/);
  });

  it('rm --force of a dead host releases what it had, and its maintained replicas start elsewhere', async () => {
    const [first = ''] = await others();
    await arpanet('hosts', 'fillup', first);
    assert.ok(((await perHost())[first] ?? 0) > 0);
    const agent = cluster.agents.get(first);
    if (agent !== undefined) await endProcess(agent);
    const refusals = () => readFileSync(logOf(first), 'utf8').split('was removed from this cluster').length;
    const before = refusals(); // it was removed once before
    await until('it is down', async () => /down/.test(await arpanet('hosts', first)), 30_000);
    assert.match(await fails('hosts', 'rm', first), /it is down; --force abandons that/);
    await arpanet('hosts', 'rm', first, '--force');
    await until('four run again', async () => (await instances()).running === 4, 30_000);
    assert.equal((await perHost())[first], undefined);
    await cluster.startAgent(first);
    await until('it is refused', () => refusals() > before);
    assert.doesNotMatch(await arpanet('hosts'), new RegExp(`^${first} `, 'm'));
    const stale = await must(cluster.engine(first, 'ps', '-q'));
    assert.notEqual(stale, '', 'what it ran runs on, cut off from the others');
    assert.match(await arpanet('hosts', 'add', first), /has joined/);
    await until('what it ran before is gone', async () => (await must(cluster.engine(first, 'ps', '-aq'))) === '');
    assert.equal((await instances()).instances.length, 4);
    await until('an audit finds nothing', async () => {
      const { findings } = await operator<{ findings: unknown[] }>(cluster, 'audit');
      if (findings.length > 0) throw new Error(JSON.stringify(findings));
      return true;
    });
  });

  it('a drain goes on under the next leader, and at no time does a service have fewer instances', async () => {
    const [first = ''] = await others();
    await arpanet('hosts', 'fillup', first);
    const mine = async () => (await instances()).instances.filter(({ host }) => host === first);
    assert.ok((await mine()).length > 0);
    const [leader, follower] = cluster.schedulers;
    assert.ok(leader && follower);
    await arpanet('update', 'abc/web', '--monitor', '4s');
    const dying = cluster.arpanet('drain', first);
    // Asked without a program: on a busy machine the move would be over before one has answered.
    const count = async () => {
      const all = await operator<{ deployment: string; service: string; instances: unknown[] }[]>(cluster, 'services');
      return all.find(({ deployment, service }) => deployment === 'abc' && service === 'web')?.instances.length;
    };
    await until('a successor is on its way', async () => (await count()) === 5);
    leader.process.kill('SIGKILL');
    const least: number[] = [];
    try {
      assert.notEqual((await dying).code, 0);
      const later = async () => {
        const [one] = JSON.parse(await must(cluster.arpanet('ps', 'abc/web', '--json', '--endpoint', follower.url))) as {
          running: number;
          instances: Instance[];
        }[];
        least.push(one?.running ?? 0);
        return one?.instances ?? [];
      };
      await until('the next leader has emptied the host', async () => (await later()).every(({ host }) => host !== first), 60_000);
      await until('none is too many', async () => (await later()).length === 4);
    } finally {
      // What comes after asks this one.
      await cluster.startScheduler(0);
    }
    assert.ok(Math.min(...least) >= 4, least.join());
    const drained = /^no problems\n- host h\d takes no new containers \(drained\), 0 run there: "arpanet activate h\d"/m;
    await until('nothing is off', async () => drained.test((await cluster.arpanet('status')).stdout));
    await until('the leader knows of the other', async () => /^schedulers +s2 leads; s1 follows$/m.test(await arpanet('status')));
  });

  it('status says first what is off, with exit code 3; top shows hosts and the busiest containers, without control codes over a pipe', async () => {
    const [first = ''] = await others();
    await arpanet('activate', first);
    await must(
      cluster.docker(
        'run',
        '-d',
        '--name',
        'busy',
        '--cpus',
        '0.3',
        '--health-cmd',
        'false',
        '--health-interval',
        '1s',
        '--health-retries',
        '1',
        '-e',
        `constraint:node==${first}`,
        '-l',
        'arpanet.service=busy',
        'busybox',
        'sh',
        '-c',
        'while :; do :; done',
      ),
    );
    const unhealthy = new RegExp(`^1 problem\\n! busy on ${first} is unhealthy\\n`);
    await until('it is seen to be unhealthy', async () => {
      const { code, stdout } = await cluster.arpanet('status');
      return code === 3 && unhealthy.test(stdout) ? true : Promise.reject(new Error(`${code}: ${stdout}`));
    });
    const busiest = new RegExp(`^CONTAINER +HOST +CPU +MEMORY +IMAGE\\nbusy +${first} +[1-9]\\d*% +.*B +busybox$`, 'm');
    const top = await until('it is the busiest', async () => {
      const shown = await arpanet('top', '--once');
      return busiest.test(shown) ? shown : Promise.reject(new Error(shown));
    });
    assert.match(top, /^\d\d:\d\d:\d\d UTC {3}hosts 3 alive; /);
    assert.ok(!top.includes(String.fromCharCode(27)));
    // A container of which its Engine has no figures yet is not in it.
    await until('all are reported, it first', async () => {
      const { containers } = await json<{ containers: { name: string; cores: number; memoryBytes: number }[] }>('top', '--once');
      const [one] = containers;
      if (containers.length !== 6 || one?.name !== 'busy' || one.cores <= 0.05) throw new Error(JSON.stringify(containers));
      return true;
    });
    await must(cluster.docker('rm', '-f', 'busy'));
  });

  it('compose down takes all of it away', async () => {
    await must(cluster.composeV2(project, 'down', '-v', '-t', '1'));
    await assertNothingLeft(cluster, []);
  });
});
