/** Ops ask a leader that was elected just now: they wait for its hosts, for a while, and are never told that nothing runs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type AuditLogFlags, showAuditLog } from '../../../src/cli/commands/cluster/audit-log.ts';
import { ArpanetError, type ContainerView, type ServiceView } from '../../../src/model/index.ts';
import { openAuditLog } from '../../../src/processes/observability/audit-log.ts';
import type { AuditLine } from '../../../src/security/index.ts';
import { operatorApi } from '../../../src/operator-api/api.ts';
import type { Observed } from '../../../src/operator-api/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { promisedMs } from '../../support/promised.ts';

const notAsked = (): never => {
  throw new Error('nobody asked for this');
};

describe('a new leader and its ops', () => {
  let url: string;
  /** The hosts come back when this is called. */
  let back: () => void;
  let waiting: number;
  let states: readonly ContainerView['hostState'][];
  let gate: Promise<void>;
  let isLate: boolean;
  const service = (): ServiceView => {
    const instances = states.map((hostState, i) => literalView(literalRecord(`abc_web_${i + 1}`), { hostState }));
    return {
      deployment: 'abc',
      service: 'web',
      record: undefined,
      desired: 2,
      template: undefined,
      instances,
      outdated: [],
      trouble: undefined,
    };
  };
  const observed = (): Observed => ({
    leader: { name: 's1', url: 'http://s1', epoch: 2 },
    clusterId: 'c',
    store: 'embedded',
    strategy: 'spread',
    hosts: [],
    containers: [],
    instances: [],
    networks: [],
    leases: [],
    stuck: [],
    reserved: new Map(),
    admissions: [],
    schedulers: [],
    unreadable: [],
    leftOut: [],
    cutHosts: [],
    frozen: undefined,
    unproven: [],
    services: () => [service()],
  });
  const auditLog = openAuditLog(undefined, quietLog, Date.now);
  const ended = new AbortController();
  const services = new Proxy(
    {},
    { get: (_target, name) => (name === 'list' ? () => [service()] : name === 'scale' ? async () => ({ scaled: true }) : notAsked) },
  ) as ReturnType<Parameters<typeof operatorApi>[0]['services']>;
  const server = createServer(
    operatorApi({
      async ready(signal) {
        const notYet = () => new ArpanetError('unavailable', 'the cluster view is not complete yet: try again');
        if (isLate) throw notYet();
        waiting += 1;
        const late = new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(notYet()));
        });
        await Promise.race([gate, late]).finally(() => (waiting -= 1));
      },
      observe: observed,
      services: () => services,
      hostOperations: notAsked,
      deployments: notAsked,
      boot: notAsked,
      join: async () => await Promise.reject(new Error('nobody joins')),
      issueToken: notAsked,
      withdrawToken: notAsked,
      joining: notAsked,
      cas: notAsked,
      schema: notAsked,
      keys: notAsked,
      keysFor: () => undefined,
      bundle: () => undefined,
      hostMetrics: async () => '',
      revoke: async () => undefined,
      readmit: async () => undefined,
      rotateToken: async () => 'rotated',
      token: () => 'the-token',
      everything: () => [],
      decision: notAsked,
      container: notAsked,
      secret: notAsked,
      terminals: { prepare: notAsked, accept: notAsked },
      engine: notAsked,
      rehearse: notAsked,
      audit: notAsked,
      discard: notAsked,
      users: notAsked,
      policies: notAsked,
      narrowed: notAsked,
      dial: notAsked,
      outside: notAsked,
      config: () => ({ list: () => [], set: notAsked, unset: notAsked }),
      usage: notAsked,
      live: notAsked,
      auditLog: () => ({ recent: auditLog.recent, onLine: auditLog.onLine, ended: ended.signal }),
      peer: () => undefined,
      now: Date.now,
      log: quietLog,
    }),
  );
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/arpanet/v1`;
  });
  after(() => void server.close());
  beforeEach(() => {
    waiting = 0;
    isLate = false;
    states = ['joining', 'joining'];
    gate = new Promise((resolve) => (back = resolve));
  });
  const get = async <T>(path: string) => (await (await fetch(url + path)).json()) as T;
  const asked = () => until('it is asked', () => waiting > 0);

  it('the audit log is read and followed without a wait for hosts, of one user or of all, until the leadership ends', async () => {
    const line = (user: string, requestId: string): AuditLine => ({
      time: '2026-11-29T12:00:00.000Z',
      user,
      from: '10.0.0.7',
      method: 'DELETE',
      route: '/containers/{id}',
      result: 'done',
      requestId,
      scheduler: 's1',
    });
    for (const [user, id] of [
      ['ada', 'r1'],
      ['vera', 'r2'],
    ] as const)
      auditLog.write(line(user, id));
    const terminal = {
      env: {},
      said: '',
      out: (text: string) => void (terminal.said += text),
      paced: async (text: string) => ((terminal.said += text), true),
    };
    const show = async (flags: AuditLogFlags): Promise<void> =>
      await showAuditLog(
        { endpoint: new URL(url).host, ...flags },
        { ...terminal, say: () => undefined, isTerminal: false, columns: undefined },
      );
    await show({ json: true });
    assert.deepEqual(
      terminal.said
        .trim()
        .split('\n')
        .map((text) => (JSON.parse(text) as AuditLine).requestId),
      ['r1', 'r2'],
    );
    terminal.said = '';
    const following = show({ follow: true, user: 'ada' });
    await until('it shows what there is', () => terminal.said !== '');
    for (const [user, id] of [
      ['vera', 'r3'],
      ['ada', 'r4'],
    ] as const)
      auditLog.write(line(user, id));
    await until('it shows what comes', () => terminal.said.trim().split('\n').length === 2);
    ended.abort();
    await following;
    const text = '2026-11-29T12:00:00.000Z ada 10.0.0.7 DELETE /containers/{id} done';
    assert.equal(terminal.said, `${text}\n${text}\n`);
  });

  it('a look is answered once the hosts are back', async () => {
    const answer = get<{ running: number }[]>('/services?of=abc');
    await asked();
    states = ['alive', 'down'];
    back();
    assert.equal((await answer)[0]?.running, 1);
  });

  it('a request that has waited for two seconds is answered with what is known: containers of a joining host count as running', async () => {
    const beganMs = performance.now();
    const [list, status] = await Promise.all([get<{ running: number }[]>('/services'), get<{ warnings: string[] }>('/status')]);
    assert.ok(performance.now() - beganMs < promisedMs(6_000));
    assert.equal(list[0]?.running, 2);
    assert.ok(!status.warnings.some((text) => text.includes('runs 0 of')), status.warnings.join());
    back();
  });

  it('a change waits too, and is refused where a look is answered', async () => {
    const scale = fetch(`${url}/services/scale`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ counts: ['web=3'] }),
    });
    await asked();
    back();
    assert.match(await (await scale).text(), /scaled/);
    isLate = true;
    const refused = await fetch(`${url}/services/scale`, { method: 'POST' });
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    assert.equal((await get<unknown[]>('/services')).length, 1);
  });

  it('what is in the store, or about schedulers, waits for nobody', async () => {
    assert.deepEqual(await get('/token'), { token: 'the-token' });
    assert.deepEqual(await get('/config'), []);
    const here = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"s2","url":"http://s2"}' };
    assert.equal((await fetch(`${url}/schedulers`, here)).status, 200);
    assert.equal(waiting, 0);
  });
});
