/** Engines with and without live-restore, agents of another build, all hosts at once, clocks that jump: addresses, overlay and names are back within 5 s. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, endProcess, main, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { repository } from '../../support/cluster/paths.ts';

const HOUR_MS = 3_600_000;

describe('restarts', () => {
  let cluster: Cluster;
  const dir = mkdtempSync(join(tmpdir(), 'arpanet-restarts-'));
  const clock = join(dir, 'clock');
  /** Read anew at each start of an Engine. */
  const engineArgs = ['--live-restore'];
  const containers = { one: 'h1', two: 'h2', three: 'h3' } as const; // h3 runs Docker 26.1
  const hosts = ['h1', 'h2', 'h3'] as const;
  before(async () => {
    cluster = await startCluster({
      store: 'embedded',
      hosts: 3,
      engineArgs,
      env: { ARPANET_TEST_CLOCK: clock, NODE_OPTIONS: `--import=${join(repository, 'test', 'support', 'cluster', 'jumping-clock.mjs')}` },
    });
    for (const [name, host] of Object.entries(containers)) {
      const where = ['-e', `constraint:node==${host}`, '--restart', 'always', '--stop-timeout', '1'];
      await must(cluster.docker('run', '-d', '--name', name, '--label', 'arpanet.service=trio', ...where, 'busybox', 'sleep', '10000'));
    }
    await agrees();
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });

  const host = (name: string) => cluster.lab.hosts.find((one) => one.name === name) ?? assert.fail();
  /** The agent is up: how long Node takes to begin is not its. */
  const answers = async (name: string) => (await fetch(`http://${host(name).address}:2376/metrics`)).ok;
  const agrees = () =>
    until('an audit finds nothing', async () => {
      const { findings } = await operator<{ findings: unknown[] }>(cluster, 'audit');
      if (findings.length > 0) throw new Error(JSON.stringify(findings));
      return true;
    });
  /** Addresses and times of start, asked of the Engines themselves. */
  async function facts(): Promise<Record<string, { address: string; startedAt: string }>> {
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{.State.StartedAt}}';
    const all = Object.entries(containers).map(async ([name, on]) => {
      const [address = '', startedAt = ''] = (await must(cluster.engine(on, 'inspect', '-f', format, name))).trim().split(' ');
      return [name, { address, startedAt }] as const;
    });
    return Object.fromEntries(await Promise.all(all));
  }
  const addressesOf = (found: Awaited<ReturnType<typeof facts>>) => Object.values(found).map(({ address }) => address);
  /** Each sees both others by name, and reaches them. */
  async function all(addresses: readonly string[]): Promise<boolean> {
    const seen = await Promise.all(
      Object.entries(containers).map(async ([name, on]) => {
        const pings = addresses.map((address) => `ping -c 1 -W 1 ${address} >/dev/null`);
        const { code, stdout } = await cluster.engine(
          on,
          'exec',
          name,
          'sh',
          '-c',
          ['nslookup trio.default.service.consul', ...pings].join(' && '),
        );
        return code === 0 && addresses.every((address) => stdout.includes(address));
      }),
    );
    return seen.every(Boolean);
  }
  async function survives(fault: () => Promise<unknown>, isStill: boolean): Promise<void> {
    const first = await facts();
    await fault();
    await until('names and overlay are back', () => all(addressesOf(first)), 5_000);
    const now = await facts();
    assert.deepEqual(addressesOf(now), addressesOf(first));
    if (isStill) assert.deepEqual(now, first, 'no container was started anew');
    await until('all hosts are alive', async () => {
      const states = (await operator<{ state: string }[]>(cluster, 'hosts')).map(({ state }) => state);
      return states.length > 0 && states.every((state) => state === 'alive');
    });
    await until('all are listed, and no other', async () => (await must(cluster.docker('ps', '-aq'))).trim().split('\n').length === 3);
    await agrees();
  }
  async function bounce(name: string, signal: NodeJS.Signals): Promise<void> {
    await cluster.lab.stopEngine(host(name), signal);
    await cluster.lab.startEngine(host(name));
  }

  for (const [name, version] of [
    ['h1', '20.10'],
    ['h3', '26.1'],
  ] as const) {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const)
      it(`an Engine ${version} with live-restore, ended by ${signal}: its containers run on, nothing changes`, () =>
        survives(() => bounce(name, signal), true));
  }

  it('Engines of both versions without live-restore: their containers are restarted with their addresses', async () => {
    engineArgs.splice(0);
    for (const name of ['h1', 'h3']) await bounce(name, 'SIGTERM'); // from now on
    // Asked of the Engines: they may have just answered, and not have started them again.
    const run = async () => Object.values(await facts()).every(({ address }) => address !== '');
    await until('all run', async () => (await run()) && (await must(cluster.docker('ps', '-q'))).trim().split('\n').length === 3);
    const first = await facts();
    await survives(() => Promise.all([bounce('h1', 'SIGTERM'), bounce('h3', 'SIGTERM')]), false);
    const now = await facts();
    assert.notEqual(now['one']?.startedAt, first['one']?.startedAt);
    assert.notEqual(now['three']?.startedAt, first['three']?.startedAt);
  });

  it('an agent of another build takes over: nothing changes, and `hosts` shows its version', async () => {
    const build = join(dir, 'next');
    cpSync(join(dirname(main), '..'), join(build, 'dist'), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(build, 'node_modules'));
    const about = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as object;
    writeFileSync(join(build, 'package.json'), JSON.stringify({ ...about, version: '99.0.0-next' }));
    await survives(async () => {
      for (const name of hosts) {
        const agent = cluster.agents.get(name);
        if (agent !== undefined) await endProcess(agent);
        await cluster.startAgent(name, join(build, 'dist', 'cli', 'main.js'));
        await until('it is there', () => answers(name), 20_000);
      }
    }, true);
    const versions = async () => (await operator<{ agent?: string }[]>(cluster, 'hosts')).map(({ agent }) => agent);
    await until('they have joined', async () => (await versions()).every((version) => version === '99.0.0-next'));
  });

  it('clocks that jump an hour ahead, and two back: no host goes down, creates and heartbeats go on, a host that dies is noticed in time', async () => {
    const downs = async () => (await operator<{ state: string }[]>(cluster, 'hosts')).filter(({ state }) => state !== 'alive').length;
    for (const ahead of [HOUR_MS, -HOUR_MS]) {
      await survives(async () => {
        writeFileSync(clock, String(ahead));
        const endMs = Date.now() + 5_000;
        await until('five seconds are over', async () => {
          assert.equal(await downs(), 0);
          return Date.now() > endMs;
        });
        const name = `at-${ahead}`;
        await must(cluster.docker('run', '-d', '--name', name, '--stop-timeout', '1', 'busybox', 'sleep', '100'));
        await must(cluster.docker('rm', '-f', name));
      }, true);
    }
    const sinceMs = Date.now();
    cluster.agents.get('h2')?.kill('SIGSTOP');
    await until('it is down', async () => (await downs()) === 1, 20_000);
    assert.ok(Date.now() - sinceMs > 5_000);
    cluster.agents.get('h2')?.kill('SIGCONT');
    await until('it is back', async () => (await downs()) === 0);
  });

  it('all hosts and the scheduler lose their power at once: names and overlay are back before a leader is', async () => {
    engineArgs.splice(0); // no container lives through this
    const first = addressesOf(await facts());
    await until('every host has been told of all', () => all(first));
    const kept = (name: string) =>
      ['names.json', 'names.changes']
        .map((leaf) => join(host(name).dir, 'agent', leaf))
        .map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''))
        .join('\n');
    await until('every host has written it', () => hosts.every((name) => first.every((address) => kept(name).includes(address))));
    await sleep(1_000); // and has the rest on its disk: agents write twice a second
    cluster.schedulers[0]?.process.kill('SIGKILL');
    for (const agent of cluster.agents.values()) agent.kill('SIGKILL');
    await Promise.all(hosts.map((name) => losePower(cluster.lab, host(name))));
    await Promise.all(hosts.map((name) => cluster.lab.startEngine(host(name))));
    await Promise.all(
      hosts.map(async (name) => {
        await cluster.startAgent(name);
        await until('its agent is there', () => answers(name), 20_000);
      }),
    );
    await until('all containers run', async () => Object.values(await facts()).every(({ address }) => address !== ''), 20_000);
    await until('names and overlay are back', () => all(first), 5_000);
    await survives(() => cluster.startScheduler(0), true);
    assert.deepEqual(addressesOf(await facts()), first);
  });
});

/** Its Engine, its containers and their shims die at once, and the kernel forgets links and rules. What is on the disk stays. */
async function losePower(lab: Cluster['lab'], host: Cluster['lab']['hosts'][number]): Promise<void> {
  const engine = (...args: string[]) => must(runProgram('docker', ['-H', `unix://${host.socket}`, ...args]));
  const inside = (...args: string[]) => runProgram('nsenter', [`--net=/run/netns/${host.namespace}`, ...args]);
  const ids = (await engine('ps', '-q')).trim().split('\n');
  const containers = (await engine('inspect', '-f', '{{.State.Pid}}', ...ids)).trim().split('\n');
  const shims = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(join(host.dir, 'exec')));
  const stopped = lab.stopEngine(host, 'SIGKILL');
  for (const pid of [...shims, ...containers].map(Number)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it went with another of them
    }
  }
  await stopped;
  const links = [...(await must(inside('ip', '-o', 'link', 'show'))).matchAll(/^\d+: ([^:@]+)[:@]/gm)].map(([, link = '']) => link);
  for (const link of links) if (link !== 'lo' && link !== 'eth0') await inside('ip', 'link', 'del', link);
  for (const table of ['filter', 'nat', 'mangle']) for (const all of ['-F', '-X']) await inside('iptables', '-t', table, all);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
