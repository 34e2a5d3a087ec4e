/** A disk that is full, under the embedded store and under the agents' snapshots: what is refused, what goes on, and what becomes of it. */
import assert from 'node:assert/strict';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, endProcess, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { request } from '../../support/cluster/leaders.ts';
import { type NetworkReport, operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

describe('a full disk', () => {
  let cluster: Cluster;
  const mounted: string[] = [];
  before(async () => {
    cluster = await startCluster({ store: 'embedded', hosts: 1, mixed: false });
    await must(
      cluster.docker('run', '-d', '--name', 'first', '--label', 'arpanet.service=web', '--stop-timeout', '1', 'busybox', 'sleep', '10000'),
    );
  });
  after(async () => {
    for (const { process } of cluster?.schedulers ?? []) await endProcess(process);
    for (const agent of cluster?.agents.values() ?? []) await endProcess(agent);
    for (const dir of mounted) await must(runProgram('umount', [dir]));
    await cluster?.[Symbol.asyncDispose]();
  });

  const agentDir = () => join(cluster.lab.hosts[0]?.dir ?? '', 'agent');
  const storeDir = () => join(cluster.lab.dir, 'store');
  const scheduler = () => cluster.schedulers[0]?.process ?? assert.fail();
  const agent = () => cluster.agents.get('h1') ?? assert.fail();
  /** Moves what is in the folder to a small disk of its own, at the same place. */
  async function onSmallDisk(dir: string): Promise<void> {
    const aside = `${dir}.aside`;
    cpSync(dir, aside, { recursive: true });
    for (const leaf of readdirSync(dir)) rmSync(join(dir, leaf), { recursive: true });
    await must(runProgram('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]));
    mounted.push(dir);
    for (const leaf of readdirSync(aside)) cpSync(join(aside, leaf), join(dir, leaf), { recursive: true });
    mkdirSync(dir, { recursive: true });
  }
  function fill(dir: string): void {
    const fd = openSync(join(dir, 'ballast'), 'a');
    for (const size of [65_536, 4_096, 1])
      for (const chunk = Buffer.alloc(size); ; )
        try {
          if (writeSync(fd, chunk) < size) break;
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
          break;
        }
    closeSync(fd);
  }
  const names = async () =>
    ((await (await fetch(`${cluster.url}/containers/json?all=1`)).json()) as { Names: string[] }[])
      .map(({ Names }) => (Names[0] ?? '').slice(1))
      .sort();
  const resolves = async () => (await cluster.engine('h1', 'exec', 'first', 'nslookup', 'web.default.service.consul')).code === 0;
  const create = (name: string) =>
    request(cluster.url, 'POST', `/containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sleep', '1000'] });
  const audit = () =>
    until('an audit finds nothing', async () => {
      const { findings } = await operator<{ findings: unknown[] }>(cluster, 'audit');
      if (findings.length > 0) throw new Error(JSON.stringify(findings));
      return true;
    });

  it('under the store: changes get a 503 that names it, reads and names go on, nobody dies; with space again all goes on, nothing is lost or left', async () => {
    await endProcess(scheduler());
    await onSmallDisk(storeDir());
    await cluster.startScheduler(0);
    await until('the host is there', async () => (await create('kept')).status === 201);
    const before = await names();
    fill(storeDir());
    const whys = new Set<string>();
    // A page or two may still be free within the database's own file.
    for (let i = 0, refused = 0; refused < 3; i++) {
      assert.ok(i < 200, 'the disk never fills');
      const answer = await create(`more-${i}`);
      if (answer.status === 201) {
        before.push(`more-${i}`);
        continue;
      }
      assert.equal(answer.status, 503, answer.message);
      assert.ok(answer.retryAfter && answer.ms < promisedMs(12_000));
      whys.add(answer.message);
      refused++;
    }
    // Longer than the lock lives unrenewed: the leader loses it, and goes on answering what it can.
    for (const endMs = Date.now() + 14_000; Date.now() < endMs; ) {
      const answer = await create('late');
      assert.equal(answer.status, 503, answer.message);
      whys.add(answer.message);
      assert.deepEqual(await names(), before.sort());
      assert.ok(await resolves());
    }
    assert.ok(
      [...whys].some((why) => /disk full/.test(why)),
      [...whys].join('\n'),
    );
    assert.equal(scheduler().exitCode, null);
    rmSync(join(storeDir(), 'ballast'));
    await until('changes go on', async () => (await create('after')).status === 201, 20_000);
    assert.deepEqual(await names(), ['after', ...before].sort());
    await audit();
    for (const name of await names())
      if (name !== 'first') assert.equal((await request(cluster.url, 'DELETE', `/containers/${name}?force=1`)).status, 204);
    const [network] = await operator<NetworkReport[]>(cluster, 'networks');
    assert.deepEqual(
      network?.leases.filter(({ kind, state }) => kind === 'instance' && state !== 'resting').map(({ owner }) => owner),
      ['first'],
    );
    await audit();
  });

  it('under an agent: the host works on, its log says so, what it kept stays readable; with space again it is written', async () => {
    await endProcess(agent());
    await onSmallDisk(agentDir());
    await cluster.startAgent('h1');
    await until('it has joined', async () => (await create('joined')).status === 201);
    const kept = () =>
      ['names.json', 'names.changes']
        .map((leaf) => join(agentDir(), leaf))
        .map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : ''))
        .join('');
    // What is being written as the disk fills up still finds its place.
    await until('its names are written', () => /"joined"/.test(kept()) && !readdirSync(agentDir()).some((leaf) => leaf.endsWith('.new')));
    fill(agentDir());
    const before = kept();
    assert.match(
      await must(cluster.docker('run', '-d', '--name', 'second', '--label', 'arpanet.service=web', 'busybox', 'sleep', '1000')),
      /^[0-9a-f]{64}/,
    );
    await until('the log says so', () => /cannot write/.test(readFileSync(join(cluster.lab.hosts[0]?.dir ?? '', 'agent.log'), 'utf8')));
    // what is added may find room in the last block of a file
    assert.ok(kept().startsWith(before));
    // A new leader raises the epoch, which cannot be written either.
    await endProcess(scheduler());
    await cluster.startScheduler(0);
    await until('changes go on', async () => (await create('under-the-next')).status === 201, 20_000);
    assert.ok(await resolves());
    assert.equal(agent().exitCode, null);
    rmSync(join(agentDir(), 'ballast'));
    await must(cluster.docker('rm', '-f', 'second'));
    await must(
      cluster.docker('run', '-d', '--name', 'third', '--label', 'arpanet.service=web', '--stop-timeout', '1', 'busybox', 'sleep', '1000'),
    );
    await until('it is written', () => /"third"/.test(kept()));
    await audit();
  });
});
