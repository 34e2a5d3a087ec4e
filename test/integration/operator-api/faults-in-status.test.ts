/** What processes got over, and which hosts are refused: from the scheduler's parts to `arpanet status` and its exit code. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { arpanetProgram } from '../../../src/cli/program.ts';
import { operatorApi } from '../../../src/operator-api/api.ts';
import type { Observed, StatusReport } from '../../../src/operator-api/index.ts';
import { createPeers } from '../../../src/processes/scheduler-peers.ts';
import { literalObserved } from '../../support/fakes/literal-observed.ts';
import { startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { type FakeCluster, startFakeCluster, TOKEN, until } from '../../support/fakes/fake-cluster.ts';

describe('arpanet status', () => {
  let cluster: FakeCluster;
  const peers = createPeers(Date.now);
  const observed = (): Observed =>
    literalObserved({
      hosts: cluster.scheduler.hosts.list(),
      schedulers: [{ name: 's1', url: cluster.url, leads: true, heardMsAgo: 0 }, ...peers.list()],
      cutHosts: cluster.scheduler.agents.cut(),
    });
  const deps = { ready: async () => undefined, observe: observed, peer: peers.heard, now: Date.now, log: { error: () => undefined } };
  const api = createServer(operatorApi(deps as unknown as Parameters<typeof operatorApi>[0]));
  const url = (): string => `http://127.0.0.1:${(api.address() as AddressInfo).port}`;

  before(async () => {
    cluster = await startFakeCluster(1);
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
  });
  after(async () => {
    api.closeAllConnections();
    api.close();
    await cluster[Symbol.asyncDispose]();
  });

  /** With `enough` it is ended as soon as that is true of what it said. */
  async function runUntil(
    enough: (said: string) => boolean,
    ...words: readonly string[]
  ): Promise<{ readonly said: string; readonly exitCode: unknown }> {
    let said = '';
    const out = (text: string): void => {
      said += text;
      if (enough(said)) throw new Error('enough');
    };
    const program = arpanetProgram({
      env: { ARPANET_ENDPOINT: url().replace('http', 'tcp') },
      out,
      paced: async () => true,
      say: out,
      isTerminal: false,
      columns: undefined,
    });
    try {
      await program.parseAsync(['status', ...words], { from: 'user' }).catch((error: unknown) => {
        if (!enough(said)) throw error;
      });
      return { said, exitCode: process.exitCode };
    } finally {
      process.exitCode = undefined;
    }
  }

  const run = (...words: readonly string[]) => runUntil(() => false, ...words);

  it('has no problem, and no errors, as long as nothing happened', async () => {
    const { said, exitCode } = await run();
    assert.match(said, /^no problems\n/);
    assert.match(said, /^errors +none$/m);
    assert.equal(exitCode, undefined);
  });

  it('names a refused host with the reason, and what agents and other schedulers got over; exit code 3', async () => {
    await using odd = await startFakeAgent({ name: 'h9', token: TOKEN, address: '10.0.0.9', routes: ['10.32.0.0/12'] });
    await odd.dial(cluster.url);
    await until(() => odd.told.at(-1)?.type === 'refused', 'refused');
    const load = { cpu: 0, memoryUsedBytes: 0, memoryTotalBytes: 1 };
    const faults = { unexpectedErrors: 2, refusedMessages: 1, lastMsAgo: 5_000, lastPlace: 'a DNS packet' };
    cluster.agents[0]?.say({ type: 'beat', load, faults });
    await until(() => cluster.scheduler.hosts.list()[0]?.faults !== undefined, 'the heartbeat is in');
    const body = JSON.stringify({
      name: 's2',
      url: 'http://s2',
      faults: { unexpectedErrors: 1, lastMsAgo: 1_000, lastPlace: 'a request' },
    });
    const headers = { 'Content-Type': 'application/json' };
    assert.equal((await fetch(`${url()}/arpanet/v1/schedulers`, { method: 'POST', headers, body })).status, 200);

    const { said, exitCode } = await run();
    assert.equal(exitCode, 3);
    assert.match(said, /^! host h9 is refused: host h9 has routes \(10\.32\.0\.0\/12\) that cover more than half of the address pool/m);
    assert.match(said, /^! the agent of host h1 has had 2 unexpected errors, the last 5 s ago \(a DNS packet\)/m);
    assert.match(said, /^! scheduler s2 has had 1 unexpected error, the last 1 s ago \(a request\)/m);
    assert.match(said, /^errors +3 unexpected, 1 refused message \(scheduler s2, the agent of host h1\)$/m);

    const json = await run('--json');
    assert.equal(json.exitCode, 3);
    const report = JSON.parse(json.said) as StatusReport;
    assert.deepEqual(report.faults, [
      { process: 'scheduler s2', unexpectedErrors: 1, refusedMessages: 0, lastMsAgo: 1_000, lastPlace: 'a request' },
      { process: 'the agent of host h1', ...faults },
    ]);
    assert.deepEqual(
      report.cutHosts.map(({ host, isMalformed }) => [host, isMalformed]),
      [['h9', false]],
    );
  });

  it('is printed again with --watch when it has changed, and not before', async () => {
    let asked = 0;
    const { observe } = deps;
    const seen = observe();
    deps.observe = () => ({ ...seen, store: ++asked > 2 ? 'consul at x' : 'embedded' });
    const { said } = await runUntil((text) => text.includes('consul at x'), '--watch');
    deps.observe = observe;
    assert.equal(said.split('embedded').length - 1, 1, said);
  });
});
