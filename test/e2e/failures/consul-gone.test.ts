/**
 * Consul is away for longer than any session: once its agents cannot be reached, once its servers have no quorum. What runs goes on.
 * ARPANET_TEST_ABSENCE=SECONDS says for how long; 32 unless told, 600 for the run that docs/reliability.md tells of.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, must, startCluster, until } from '../../support/cluster/cluster.ts';
import { leaderOf, request } from '../../support/cluster/leaders.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { promisedMs } from '../../support/promised.ts';

const ABSENCE_MS = Number(process.env['ARPANET_TEST_ABSENCE'] ?? 32) * 1_000;
const container = { Image: 'busybox', Cmd: ['sleep', '1000'], Labels: { 'arpanet.service': 'pair' } };

describe('Consul is gone', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ store: 'consul', consulServers: 3, schedulers: 2, hosts: 2, mixed: false, relayed: true });
    for (const host of ['h1', 'h2']) {
      const where = ['-e', `constraint:node==${host}`, '--stop-timeout', '1'];
      await must(cluster.docker('run', '-d', '--name', host, ...where, 'busybox', 'sh', '-c', 'while sleep 1; do date; done'));
    }
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const engine = (host: string, ...args: string[]) => must(cluster.engine(host, 'exec', host, ...args));
  /** Seconds since the leader last told this host its names, as a container there is told by DNS. */
  const age = async (host: string) => {
    const said = await engine(host, 'nslookup', '-type=txt', '_age.service.consul');
    return Number(/text = "(\d+)"/.exec(said)?.[1] ?? assert.fail(said));
  };
  const figure = async (host: string, name: string) => {
    const address = cluster.lab.hosts.find((one) => one.name === host)?.address;
    const text = await (await fetch(`http://${address}:2376/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? assert.fail(text));
  };
  const peer = { h1: 'h2', h2: 'h1' } as const;
  /** Names, the overlay between hosts, the age of the answer, lists, logs, exec: all of it, now. */
  async function goesOn(url: string): Promise<void> {
    for (const host of ['h1', 'h2'] as const) {
      await engine(host, 'ping', '-c', '1', '-W', '5', peer[host]);
      assert.ok((await age(host)) < 60);
      assert.ok((await figure(host, 'arpanet_dns_age_seconds')) < 60);
    }
    const listed = (await (await fetch(`${url}/containers/json`)).json()) as { Names: string[] }[];
    assert.deepEqual(listed.map(({ Names }) => Names[0] ?? '').sort(), ['/h1', '/h2']);
    assert.match(await must(cluster.docker('logs', '--tail', '1', 'h1')), /UTC/);
    assert.match(await must(cluster.docker('exec', 'h2', 'hostname')), /^[0-9a-f]{12}/);
  }
  /** What needs the store is refused at once; a stop, which does not, from when the leader knows that it may have lost the lead. */
  async function isRefused(url: string, sinceMs: number): Promise<void> {
    const all = [
      ['POST', '/containers/create?name=lost', container],
      ['POST', '/networks/create', { Name: 'lost' }],
      ['POST', '/containers/h1/stop', undefined],
      ['DELETE', '/containers/h1?force=1', undefined],
    ] as const;
    for (const [method, path, body] of Date.now() - sinceMs < 21_000 ? all.slice(0, 2) : all) {
      const answer = await request(url, method, path, body);
      assert.equal(answer.status, 503, `${method} ${path}: ${answer.status} ${answer.message}`);
      assert.match(answer.message, /state store/);
      assert.ok(answer.retryAfter && answer.ms < promisedMs(12_000), `${answer.ms} ms`);
    }
  }

  for (const [what, away, back] of [
    ['its agents cannot be reached', () => lines('cut'), () => lines('heal')],
    ['its servers are dead but one', () => servers('kill'), () => servers('revive')],
  ] as const) {
    it(`${what}: names, overlay, lists, logs and exec go on, changes get a 503 that says why; then all is right by itself`, async () => {
      const { url } = await until('one leads', () => leaderOf(cluster));
      await goesOn(url);
      await away();
      const goneMs = Date.now();
      const endMs = goneMs + ABSENCE_MS;
      while (Date.now() < endMs) {
        await isRefused(url, goneMs);
        await goesOn(url);
        await sleep(Math.min(8_000, Math.max(0, endMs - Date.now())));
      }
      await back();
      const sinceMs = Date.now();
      const made = await until(
        'changes go on',
        async () => {
          const leader = await leaderOf(cluster);
          const answer = leader && (await request(leader.url, 'POST', '/containers/create?name=back', container));
          return answer?.status === 201 ? answer : undefined;
        },
        45_000,
      );
      assert.ok(made);
      console.log(`# ${what}: changes go on ${Date.now() - sinceMs} ms after it is back`);
      const leader = await until('one leads', () => leaderOf(cluster));
      assert.equal((await request(leader.url, 'DELETE', '/containers/back')).status, 204);
      await goesOn(leader.url);
      await until('an audit finds nothing', async () => {
        const { findings } = await operator<{ findings: unknown[] }>({ url: leader.url }, 'audit');
        if (findings.length > 0) throw new Error(JSON.stringify(findings));
        return true;
      });
    });
  }

  async function lines(how: 'cut' | 'heal'): Promise<void> {
    for (const { consul } of cluster.lines) consul[how]();
  }
  async function servers(how: 'kill' | 'revive'): Promise<void> {
    await Promise.all(cluster.consuls.slice(1).map((consul) => consul[how]()));
  }

  it('every scheduler is gone: names continue, and DNS says how old they are', async () => {
    for (const { process } of cluster.schedulers) process.kill('SIGKILL');
    const first = await age('h1');
    await sleep(3_000);
    assert.ok((await age('h1')) >= first + 2);
    assert.ok((await figure('h1', 'arpanet_dns_age_seconds')) >= first + 2);
    await until('it has noticed', async () => (await figure('h1', 'arpanet_agent_joined')) === 0);
    await engine('h1', 'ping', '-c', '1', '-W', '5', 'h2');
    for (const index of [0, 1]) await cluster.startScheduler(index);
    await until('DNS is told anew', async () => (await age('h1')) < 3, 40_000);
  });
});
