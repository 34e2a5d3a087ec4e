/** What the leader looks at when streams of hosts end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { AgentMessage, HostView } from '../../../src/model/index.ts';
import type { AgentReport } from '../../../src/scheduler/agents/agent-report.ts';
import { startLiveness } from '../../../src/scheduler/loss/liveness.ts';
import { createTriggers } from '../../../src/scheduler/triggers.ts';
import { quietLog } from '../../support/cluster/lab.ts';

describe('hosts whose streams end in one moment', () => {
  it('are looked at once, however many there are', async () => {
    const hosts = new Map(
      Array.from({ length: 1_000 }, (_, i): [string, HostView] => [
        `h${i}`,
        { name: `h${i}`, state: 'alive', record: { gateway: '192.0.2.1:2376' } } as unknown as HostView,
      ]),
    );
    const lost = new AbortController();
    let [lists, looks] = [0, 0];
    const liveness = startLiveness(
      {
        deps: { log: quietLog, now: () => 1_000, settings: { graceMs: 60_000, hostDownMs: 600_000 } },
        view: { hosts: () => ((lists += 1), [...hosts.values()]), host: (name) => ((looks += 1), hosts.get(name)) },
        members: { setState: () => false, setCutOff: () => false },
        isReached: async () => true,
        feed: { node: () => undefined },
        triggers: createTriggers(),
      },
      lost.signal,
    );
    for (const name of hosts.keys()) liveness.connected(name);
    [lists, looks] = [0, 0];
    for (const name of hosts.keys()) liveness.cut(name, undefined);
    await turn();
    lost.abort();
    // some looks for each of them, and some more for the second that may have passed
    assert.ok(looks > 0 && looks <= 20 * hosts.size, `hosts were looked at ${looks} times`);
    assert.equal(lists, 0, 'nobody asked for all of them');
  });
});

describe('a host whose Engine was unreachable', () => {
  it('is alive when what its Engine has is known, and no sooner', (t) => {
    let host = { name: 'h1', state: 'joining', record: { gateway: '192.0.2.1:2376' } } as unknown as HostView;
    const lost = new AbortController();
    t.after(() => lost.abort());
    const liveness = startLiveness(
      {
        deps: { log: quietLog, now: () => 1_000, settings: { graceMs: 60_000, hostDownMs: 600_000 } },
        view: { hosts: () => [host], host: () => host },
        members: { setState: (_name, state) => ((host = { ...host, state }), true), setCutOff: () => false },
        isReached: async () => true,
        feed: { node: () => undefined },
        triggers: createTriggers(),
      },
      lost.signal,
    );
    const after = (message: AgentMessage): string => {
      liveness.heard('h1', message as AgentReport);
      return host.state;
    };
    const snapshot = { containers: [], images: [], volumes: [], networks: [] };
    liveness.connected('h1');
    assert.equal(after({ type: 'snapshot', snapshot }), 'alive');
    assert.equal(after({ type: 'engine', alive: false, why: 'connect ECONNREFUSED' }), 'down');
    assert.equal(after({ type: 'have', digest: 'x' }), 'down');
    assert.equal(after({ type: 'piece', containers: [] }), 'down');
    assert.equal(after({ type: 'snapshot', snapshot }), 'alive');
  });
});
