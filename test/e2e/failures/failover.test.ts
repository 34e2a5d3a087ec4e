/** Three schedulers, three Consul servers, two hosts; the leader is harmed in every way there is, and clients go on at the others. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, endProcess, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { type Answer, type Leader, leaderOf, nextLeader, request } from '../../support/cluster/leaders.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

const container = { Image: 'busybox', Cmd: ['sleep', '1000'] };
/** A session expires within twice its time to live. */
const SESSION_BOUND_MS = 30_000;

describe('the leader is harmed', () => {
  let cluster: Cluster;
  let made = 0;
  before(async () => {
    cluster = await startCluster({ store: 'consul', consulServers: 3, schedulers: 3, hosts: 2, mixed: false, relayed: true });
    await must(cluster.docker('run', '-d', '--name', 'talker', 'busybox', 'sh', '-c', 'while sleep 1; do date; done'));
  });
  after(() => cluster?.[Symbol.asyncDispose]());
  afterEach(async () => {
    for (const { process } of cluster.schedulers) process.kill('SIGCONT');
    for (const { consul, agents } of cluster.lines) {
      consul.heal();
      agents.heal();
    }
    await until('all is well again', async () => allAlive((await leads()).url), 30_000);
  });

  const leads = () => until('one leads', () => leaderOf(cluster));
  const othersThan = (old: Leader) => cluster.schedulers.filter((_, index) => index !== old.index);
  const allAlive = async (url: string) => (await operator<{ state: string }[]>({ url }, 'hosts')).every((host) => host.state === 'alive');
  const namesThere = async (url: string) =>
    ((await (await fetch(`${url}/containers/json?all=1`)).json()) as { Names: string[] }[]).map(({ Names }) => Names[0]?.slice(1));

  /** Creates and reads at the others while the leader is harmed: each is answered once, in time, and what was acknowledged is there once. */
  async function clientsMeanwhile(old: Leader, harm: () => unknown): Promise<() => Promise<void>> {
    const names: string[] = [];
    const answers = othersThan(old).flatMap(({ url }) =>
      [0, 1].map(async (round) => {
        await sleep(round * 700);
        const name = `while-${made++}`;
        names.push(name);
        const [answer, read] = await Promise.all([
          request(url, 'POST', `/containers/create?name=${name}`, container),
          request(url, 'GET', '/containers/json'),
        ]);
        return { name, answer, read };
      }),
    );
    await sleep(30);
    await harm();
    return async () => {
      const all = await Promise.all(answers);
      for (const { answer, read } of all) for (const one of [answer, read]) inTime(one, [200, 201]);
      const { url } = await leads();
      const there = await namesThere(url);
      for (const { name, answer } of all) {
        const copies = there.filter((other) => other === name).length;
        // One that was begun and got no answer is finished, or gone.
        assert.ok(copies === 1 || (copies === 0 && answer.status !== 201), `${name}: ${answer.status}, there ${copies} times`);
        if (copies === 1) assert.equal((await request(url, 'DELETE', `/containers/${name}?force=1`)).status, 204);
      }
    };
  }
  function inTime(answer: Answer, good: readonly number[]): void {
    assert.ok(answer.ms < promisedMs(12_000), `took ${answer.ms} ms: ${answer.status} ${answer.message}`);
    if (good.includes(answer.status)) return;
    assert.equal(answer.status, 503, answer.message);
    assert.ok(answer.retryAfter, answer.message);
  }

  /** `logs -f` and `events` through a follower, which both have told something. */
  async function streams(url: string) {
    const open = [
      ['logs', '-f', '--tail', '1', 'talker'],
      ['events', '--since', '1h'],
    ].map((args) => {
      const child = spawn('docker', ['-H', url.replace('http', 'tcp'), ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
      let heardMs = 0;
      child.stdout.on('data', () => (heardMs = Date.now()));
      return { args, child, heardMs: () => heardMs };
    });
    for (const { args, heardMs } of open) await until(`${args.join(' ')} tells something`, () => heardMs() > 0);
    return open;
  }
  async function endOrGoOn(open: Awaited<ReturnType<typeof streams>>): Promise<void> {
    for (const { args, child, heardMs } of open) {
      const changedMs = Date.now();
      await until(`${args.join(' ')} ends or goes on`, () => child.exitCode !== null || heardMs() > changedMs, 8_000);
      child.kill('SIGKILL');
    }
  }

  it('kill -9: another leads within 3 s, requests wait and go through, streams end', async () => {
    const old = await leads();
    const open = await streams(othersThan(old)[0]?.url ?? '');
    const check = await clientsMeanwhile(old, () => cluster.schedulers[old.index]?.process.kill('SIGKILL'));
    const { tookMs } = await nextLeader(cluster, old, 10_000);
    assert.ok(tookMs <= promisedMs(3_000), `${tookMs} ms`);
    await check();
    await endOrGoOn(open);
    await cluster.startScheduler(old.index);
  });

  it('SIGTERM: another leads within 3 s, requests go through', async () => {
    const old = await leads();
    const process = cluster.schedulers[old.index]?.process;
    assert.ok(process);
    const check = await clientsMeanwhile(old, () => void endProcess(process));
    const { tookMs } = await nextLeader(cluster, old, 10_000);
    assert.ok(tookMs <= promisedMs(3_000), `${tookMs} ms`);
    await check();
    await cluster.startScheduler(old.index);
  });

  it('SIGSTOP for longer than its session: another leads; awake again it changes nothing by itself, and follows', async () => {
    const old = await leads();
    const open = await streams(othersThan(old)[0]?.url ?? '');
    const frozen = cluster.schedulers[old.index]?.process;
    const check = await clientsMeanwhile(old, () => frozen?.kill('SIGSTOP'));
    // said to the sleeper itself: its kernel takes the connection, it reads when it wakes
    const late = [
      request(old.url, 'POST', '/containers/create?name=late', container),
      request(old.url, 'POST', '/containers/talker/stop?t=1'),
    ];
    const { leader } = await nextLeader(cluster, old, SESSION_BOUND_MS);
    await until('all hosts are with the new leader', () => allAlive(leader.url), 13_000);
    await check();
    await endOrGoOn(open);
    const fence = await epochs();
    frozen?.kill('SIGCONT');
    await until(
      'it follows',
      async () => ((await (await fetch(`${old.url}/arpanet/v1/health`)).json()) as { role: string }).role === 'following',
      5_000,
    );
    const [create, stop] = await Promise.all(late);
    assert.ok(create && stop);
    // its clients waited for as long as it slept; the answer is the new leader's, or none was needed
    assert.ok([201, 503].includes(create.status), `${create.status} ${create.message}`);
    assert.equal((await namesThere(leader.url)).filter((name) => name === 'late').length, create.status === 201 ? 1 : 0);
    assert.ok([204, 503].includes(stop.status), `${stop.status} ${stop.message}`);
    assert.deepEqual(await epochs(), fence, 'no epoch but the new one was written');
    await request(leader.url, 'DELETE', '/containers/late?force=1');
    await must(cluster.docker('start', 'talker'));
  });

  it('cut off from Consul: another leads within the session’s bound and has every host at once; the old one refuses to change anything', async () => {
    const old = await leads();
    const line = cluster.lines[old.index]?.consul;
    const check = await clientsMeanwhile(old, () => line?.cut());
    const { leader } = await nextLeader(cluster, old, SESSION_BOUND_MS);
    await until('all hosts are with the new leader', () => allAlive(leader.url), 5_000);
    const refused = await request(old.url, 'POST', '/containers/create?name=nowhere', container);
    assert.equal(refused.status, 503, refused.message);
    assert.ok(refused.retryAfter && refused.ms < promisedMs(12_000));
    assert.equal((await request(leader.url, 'POST', '/containers/create?name=somewhere', container)).status, 201);
    await check();
    line?.heal();
    await until('it follows', async () => (await namesThere(old.url)).includes('somewhere'), 15_000);
    assert.ok(!(await namesThere(old.url)).includes('nowhere'));
    await request(old.url, 'DELETE', '/containers/somewhere');
    assert.equal((await leads()).epoch, leader.epoch, 'the one that came back does not ask for the lead');
  });

  it('cut off from the agents’ dials: they come through the other schedulers, the leader stays', async () => {
    const old = await leads();
    cluster.lines[old.index]?.agents.cut();
    // they may come back so fast that nobody sees them gone
    for (const endMs = Date.now() + 14_000; Date.now() < endMs && (await allAlive(old.url)); ) await sleep(200);
    await until('all hosts are back', () => allAlive(old.url), 15_000);
    assert.equal((await leads()).epoch, old.epoch);
    assert.equal((await request(old.url, 'GET', '/containers/talker/top')).status, 200);
    cluster.lines[old.index]?.agents.heal();
  });

  it('Consul’s own leader dies: ours stays, unless it was its only way to Consul', async () => {
    const old = await leads();
    const asked = cluster.consuls[old.index];
    const self = (await (await fetch(`http://${asked?.http}/v1/agent/self`)).json()) as { Stats: { consul: { leader: string } } };
    const leaders = await Promise.all(
      cluster.consuls.map(
        async ({ http }) => ((await (await fetch(`http://${http}/v1/agent/self`)).json()) as typeof self).Stats.consul.leader === 'true',
      ),
    );
    const raft = leaders.indexOf(true);
    await cluster.consuls[raft]?.kill();
    if (raft === old.index) await nextLeader(cluster, old, SESSION_BOUND_MS);
    else {
      for (let i = 0; i < 12; i++, await sleep(1_000)) assert.equal((await leads()).epoch, old.epoch);
    }
    const { url } = await leads();
    const created = await request(url, 'POST', '/containers/create?name=after-raft', container);
    assert.equal(created.status, 201, created.message);
    await request(url, 'DELETE', '/containers/after-raft');
    await cluster.consuls[raft]?.revive();
  });

  /** Every epoch that the store's records name, and the store's own. */
  async function epochs(): Promise<unknown> {
    return (await fetch(`http://${cluster.consul?.http}/v1/kv/arpanet/epoch?raw`)).text();
  }
});
