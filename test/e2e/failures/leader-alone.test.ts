/** The leader is cut off from the other schedulers, and then from every host as well; Consul goes on hearing of it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type Cluster, must, runProgram, startCluster, until } from '../../support/cluster/cluster.ts';
import { leaderOf, nextLeader, request } from '../../support/cluster/leaders.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

const container = { Image: 'busybox', Cmd: ['sleep', '1000'], StopTimeout: 0 };
/** Twice the time in which a host is down. */
const PATIENCE_MS = 8_000;

describe('a leader that is cut off', () => {
  let cluster: Cluster;
  const rules: string[][] = [];
  before(async () => {
    cluster = await startCluster({
      store: 'consul',
      schedulers: 2,
      hosts: 1,
      mixed: false,
      schedulerArgs: ['--host-down-after', `${PATIENCE_MS / 2}ms`],
    });
  });
  const heal = async () => {
    for (const rule of rules.splice(0)) await must(runProgram('iptables', ['-w', '5', '-D', 'INPUT', ...rule]));
  };
  afterEach(heal);
  after(async () => {
    await heal();
    await cluster?.[Symbol.asyncDispose]();
  });

  const leads = () => until('one leads', () => leaderOf(cluster), 20_000);
  /** Packets to this scheduler that come in on that link are swallowed. */
  async function cut(index: number, link: string): Promise<void> {
    const port = new URL(cluster.schedulers[index]?.url ?? '').port;
    const rule = ['-i', link, '-p', 'tcp', '--dport', port, '-j', 'DROP'];
    await must(runProgram('iptables', ['-w', '5', '-I', 'INPUT', ...rule]));
    rules.push(rule);
  }
  const bridge = () => (cluster.lab.hosts[0]?.namespace ?? '').replace(/-h1$/, '');
  /** As a host sees it. */
  const fromHost = async <T>(url: string, path: string): Promise<T> => {
    const args = [`--net=/run/netns/${cluster.lab.hosts[0]?.namespace}`, 'curl', '-s', '--max-time', '3', `${url}/arpanet/v1/${path}`];
    return JSON.parse(await must(runProgram('nsenter', args))) as T;
  };

  it('from the other schedulers only: it goes on leading, and who asks the others gets one 503 with Retry-After, in time', async () => {
    const leader = await leads();
    const other = cluster.schedulers[1 - leader.index]?.url ?? '';
    await cut(leader.index, 'lo');
    const answer = await request(other, 'POST', '/containers/create?name=asked', container);
    assert.equal(answer.status, 503, answer.message);
    assert.ok(answer.retryAfter !== null && answer.ms < promisedMs(14_000), `after ${answer.ms} ms`);
    const { hosts } = await fromHost<{ hosts: { state: string }[] }>(leader.url, 'status');
    assert.deepEqual(
      hosts.map(({ state }) => state),
      ['alive'],
    );
    await heal();
    await until(
      'it goes through again',
      async () => (await request(other, 'POST', '/containers/create?name=asked', container)).status === 201,
      15_000,
    );
    assert.equal((await leads()).epoch, leader.epoch);
    await request(other, 'DELETE', '/containers/asked?force=1');
  });

  it('from the hosts as well: another leads, with the host, and the old one follows when it is back', async () => {
    const leader = await leads();
    await cut(leader.index, 'lo');
    await cut(leader.index, bridge());
    const { leader: next, tookMs } = await nextLeader(cluster, leader, PATIENCE_MS + 30_000);
    assert.ok(tookMs > 1_000, 'a moment of silence is no reason');
    await until('the host is with it', async () => (await operator<{ state: string }[]>(next, 'hosts'))[0]?.state === 'alive', 30_000);
    assert.equal((await request(next.url, 'POST', '/containers/create?name=after', container)).status, 201);
    await heal();
    const old = cluster.schedulers[leader.index]?.url ?? '';
    await until('the old one passes on', async () => (await request(old, 'GET', '/containers/after/json')).status === 200, 20_000);
    assert.equal((await leads()).epoch, next.epoch, 'nobody elects again');
    await request(old, 'DELETE', '/containers/after?force=1');
    await until(
      'an audit finds nothing',
      async () => (await operator<{ findings: unknown[] }>(await leads(), 'audit')).findings.length === 0,
      20_000,
    );
  });
});
