/** What ops see of hosts, on literal data: inspect, status, top. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { joinLine } from '../../../src/cli/commands/hosts/flags.ts';
import { hostDetailText } from '../../../src/cli/output/host-detail.ts';
import { statusText } from '../../../src/cli/output/status.ts';
import { topText } from '../../../src/cli/output/top.ts';
import { hint } from '../../../src/config/nearest.ts';
import { sampleOf, usageBetween } from '../../../src/hostagent/load/usage-figures.ts';
import type { ServiceView } from '../../../src/model/index.ts';
import { hostDetail } from '../../../src/operator-api/reports/host-report.ts';
import { type Observed, statusReport } from '../../../src/operator-api/reports/report.ts';
import { topReport } from '../../../src/operator-api/reports/top-report.ts';
import { literalContainer, literalHost, literalNetwork } from '../../support/fakes/literal-cluster.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { literalObserved } from '../../support/fakes/literal-observed.ts';

describe('what ops see of hosts', () => {
  const leader = { url: 'http://10.0.0.1:2375', name: 's1', epoch: 3 };
  const web = literalContainer({ id: 'w1', name: 'abc-web-1', record: literalRecord('abc-web-1', { addresses: { n1: '10.32.0.5' } }) });
  const lease = { network: 'n1', host: 'h1', state: 'bound', sinceMs: 0, epoch: 1 } as const;
  const service = (more: Partial<ServiceView> = {}): ServiceView => ({
    deployment: 'abc',
    service: 'web',
    record: undefined,
    desired: 1,
    template: undefined,
    instances: [web],
    outdated: [],
    trouble: undefined,
    ...more,
  });
  const observed = (more: Partial<Observed> = {}): Observed =>
    literalObserved({
      leader,
      hosts: [literalHost('h1')],
      containers: [web],
      networks: [literalNetwork('n1', 'abc_default')],
      leases: [
        { ...lease, ip: '10.32.0.1', kind: 'gateway', owner: 'h1' },
        { ...lease, ip: '10.32.0.5', kind: 'instance', owner: 'abc-web-1' },
      ],
      reserved: new Map([['h1', { cores: 0.5, memoryBytes: 2 ** 29 }]]),
      schedulers: [{ name: 's1', url: leader.url, leads: true, heardMsAgo: 0 }],
      services: () => [service()],
      ...more,
    });

  it('inspect names the gateway that all hosts have, not the address that this one calls from', () => {
    const shared = { ...literalNetwork('n1', 'abc_default'), gateway: '10.32.0.1', isGatewayShared: true } as const;
    const own = { ...lease, ip: '10.32.3.254', kind: 'gateway', owner: 'h1' } as const;
    const { networks } = hostDetail(observed({ networks: [shared], leases: [own] }), 'h1', 0);
    assert.deepEqual(networks, [{ name: 'abc_default', cidr: '10.32.0.0/22', gateway: '10.32.0.1', instances: 0 }]);
  });

  it('inspect names networks with their gateway here, containers with their addresses, and limits', () => {
    const host = literalHost('h1');
    const limited = { ...host, record: { ...host.record, limits: { cpus: 2, maxContainers: 5 } } };
    const text = hostDetailText(hostDetail(observed({ hosts: [limited] }), 'h1', Date.parse('2026-01-01T00:03:02Z')));
    for (const line of [
      /^cpus +4, 2 for the cluster; 25% busy$/m,
      /^reserved +0\.5 CPU, 512 MiB$/m,
      /^containers +1 running of 1, at most 5$/m,
      /^abc_default +10\.32\.0\.0\/22 +10\.32\.0\.1 +1$/m,
      /^abc-web-1 +busybox +Up 3 minutes +10\.32\.0\.5$/m,
    ])
      assert.match(text, line);
    assert.throws(() => hostDetail(observed(), 'h2', 0), /no such host: h2; did you mean h1\?/);
  });

  it('status says first whether anything is off, and what', () => {
    const text = (more: Partial<Observed> = {}) => statusText(statusReport(observed(more))).split('\n');
    assert.equal(text()[0], 'no problems');
    assert.ok(text().includes('schedulers   s1 leads, no followers'));
    const kept = {
      stopped: [],
      status: { state: 'paused', message: 'update paused: it is unhealthy', startedAtMs: 0 },
    } as unknown as NonNullable<ServiceView['record']>;
    const job = { stopped: [], job: { concurrent: 1, iteration: 0, startedAtMs: 0 } } as unknown as NonNullable<ServiceView['record']>;
    assert.equal(text({ services: () => [service({ record: job, desired: 9 })] })[0], 'no problems', 'those of a job wait for their turn');
    const bad = text({
      hosts: [literalHost('h1'), literalHost('h2', { state: 'down', why: 'no heartbeat for 10 s or more' })],
      services: () => [service({ record: kept, desired: 3, trouble: 'no host fits' })],
      schedulers: [
        { name: 's1', url: leader.url, leads: true, heardMsAgo: 0 },
        { name: 's2', url: 'http://10.0.0.2:2375', leads: false, heardMsAgo: 40_000 },
      ],
      frozen: 'the store is away',
    });
    assert.deepEqual(bad.slice(0, 6), [
      '5 problems',
      '! changes are refused: the store is away',
      '! host h2 is down: no heartbeat for 10 s or more',
      '! scheduler s2 at http://10.0.0.2:2375 has sent no message for 40 s',
      '! abc/web runs 1 of 3: no host fits',
      '! abc/web: update paused: it is unhealthy',
    ]);
  });

  it('status names hosts that are refused, with the reason, and counts unexpected errors and refused messages of every process', () => {
    const reason = 'message containers: upserts.0.summary.Names: too short';
    const report = statusReport(
      observed({
        hosts: [
          { ...literalHost('h1'), faults: { unexpectedErrors: 2, refusedMessages: 3, lastMsAgo: 30_000, lastPlace: 'a DNS packet' } },
          literalHost('h2', { state: 'down', why: `its agent is refused: ${reason}` }),
          literalHost('h3'),
        ],
        schedulers: [
          {
            name: 's1',
            url: leader.url,
            leads: true,
            heardMsAgo: 0,
            faults: { unexpectedErrors: 1, refusedMessages: 1, lastMsAgo: 7_200_000, lastPlace: 'a timer' },
          },
        ],
        cutHosts: [
          { host: 'h2', reason, isMalformed: true, msAgo: 4_000 },
          { host: 'h3', reason, isMalformed: true, msAgo: 300_000 },
          { host: 'h9', reason: 'its routes cover the pool', isMalformed: false, msAgo: 1_000 },
        ],
      }),
    );
    assert.deepEqual(report.warnings, [
      `host h2 is down: its agent is refused: ${reason}`,
      `host h3 sent a malformed message 5 min ago, which closed its stream: ${reason}`,
      'host h9 is refused: its routes cover the pool',
      'the agent of host h1 has had 2 unexpected errors, the last 30 s ago (a DNS packet): its log shows where, please report it',
    ]);
    assert.match(statusText(report), /^errors {7}3 unexpected, 4 refused messages \(scheduler s1, the agent of host h1\)$/m);
    assert.deepEqual(
      report.faults.map(({ process, unexpectedErrors }) => [process, unexpectedErrors]),
      [
        ['scheduler s1', 1],
        ['the agent of host h1', 2],
      ],
    );
    assert.match(statusText(statusReport(observed())), /^errors {7}none$/m);
  });

  it('a drained host and an expected one are no problems, and are listed all the same', () => {
    const host = literalHost('h1');
    const { warnings, notes, hosts } = statusReport(
      observed({
        hosts: [{ ...host, record: { ...host.record, availability: 'drain' } }],
        admissions: [
          { name: 'h9', kind: 'expected', atMs: 0 },
          { name: 'h8', kind: 'removed', atMs: 0 },
        ],
      }),
    );
    assert.deepEqual(warnings, []);
    assert.match(notes[0] ?? '', /h1 takes no new containers \(drained\), 1 run there/);
    assert.deepEqual(
      hosts.map((one) => [one.name, one.state]),
      [
        ['h1', 'alive'],
        ['h9', 'expected'],
      ],
    );
  });

  it('top has the busiest containers first, and leaves out what is not in the view', () => {
    const report = topReport(
      observed({ containers: [web, literalContainer({ id: 'w2', name: 'abc-web-2' })] }),
      [
        { id: 'w1', cores: 0.1, memoryBytes: 2 ** 30 },
        { id: 'w2', cores: 1.5, memoryBytes: 1024 },
        { id: 'gone', cores: 2, memoryBytes: 0 },
      ],
      Date.UTC(2026, 0, 1, 12, 30),
    );
    assert.deepEqual(
      report.containers.map((one) => one.name),
      ['abc-web-2', 'abc-web-1'],
    );
    const text = topText(report, 1);
    assert.match(text, /^12:30:00 UTC {3}hosts 1 alive; 25% of 4 CPUs/);
    assert.match(text, /^h1 +alive +25% +###\.{7} /m);
    assert.match(text, /^abc-web-2 +h1 +150% +1 KiB +busybox$/m);
    assert.match(text, /… 1 more/);
    assert.ok(!text.includes(String.fromCharCode(27)));
  });

  it('top of many hosts has those that are not alive, then the busiest; of many containers as many as are asked for', () => {
    const hosts = Array.from({ length: 40 }, (_, n) =>
      literalHost(`h${n}`, { load: { cpu: n / 100, memoryUsedBytes: 0, memoryTotalBytes: 1 }, state: n === 7 ? 'down' : 'alive' }),
    );
    const containers = Array.from({ length: 30 }, (_, n) => literalContainer({ id: `c${n}`, name: `abc-web-${n}` }));
    const usage = containers.map(({ id }, n) => ({ id, cores: n, memoryBytes: 0 }));
    const report = topReport(observed({ hosts, containers }), usage, 0, 2);
    assert.deepEqual([report.running, report.containers.map(({ name }) => name)], [30, ['abc-web-29', 'abc-web-28']]);
    const text = topText(report, 2, 3);
    assert.deepEqual([...text.matchAll(/^h\d+/gm)].map(String), ['h7', 'h39', 'h38']);
    assert.match(text, /… 37 more \(arpanet hosts\)/);
    assert.match(text, /… 28 more \(--rows N\)/);
  });

  it('a container uses what two looks differ by, memory without the cache', () => {
    const stats = (second: number, busyMs: number) => ({
      read: `2026-01-01T00:00:0${second}Z`,
      cpu_stats: { cpu_usage: { total_usage: busyMs * 1e6 } },
      memory_stats: { usage: 1_000, stats: { inactive_file: 300 } },
    });
    assert.deepEqual(usageBetween('a', sampleOf(stats(1, 100)), sampleOf(stats(3, 1_100))), { id: 'a', cores: 0.5, memoryBytes: 700 });
    assert.deepEqual(usageBetween('a', sampleOf(stats(1, 100)), sampleOf({})), { id: 'a', cores: 0, memoryBytes: 0 });
  });

  it('an unknown host is answered with the one that was meant, else with all', () => {
    assert.equal(hint('db-l', ['db-1', 'web-1']), 'did you mean db-1?');
    assert.equal(hint('h9', ['h1', 'h2']), 'there are h1, h2');
    assert.equal(hint('x', [], 'nothing here'), 'nothing here');
  });

  it('a new host gets the command to run there', () => {
    assert.equal(
      joinLine({ name: 'h4', address: '10.0.0.14' }, ['http://10.0.0.1:2375'], 'secret'),
      'ARPANET_JOIN_TOKEN=secret arpanet agent --join http://10.0.0.1:2375 --name h4 --address 10.0.0.14',
    );
  });
});
