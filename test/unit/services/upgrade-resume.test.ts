/** A host that was emptied for its upgrade when the leader changed: what the next leader does with it. Hosts of plain data. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDrain } from '../../../src/services/hosts/drain.ts';
import { createHostLock, DRAINING } from '../../../src/services/hosts/host-lock.ts';
import { createHostUpgrade } from '../../../src/services/hosts/upgrade-host.ts';
import type { HostChange, HostRecord, HostState, UpgradeState } from '../../../src/model/index.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { literalHost } from '../../support/fakes/literal-cluster.ts';

/** h1, which an upgrade under an earlier leader has emptied, or what `record` says; and h2. The next leader has begun. */
function nextLeader(record: Partial<HostRecord> = { availability: 'drain', drainedFor: 'upgrade' }, state: HostState = 'down') {
  const records = new Map<string, HostRecord>(
    [record, {}].map((more, i) => [`h${i + 1}`, { ...literalHost(`h${i + 1}`).record, name: `h${i + 1}`, ...more }]),
  );
  const now: { state: HostState; upgrade: UpgradeState; looks: number } = {
    state,
    upgrade: { state: 'running', said: '' },
    looks: 0,
  };
  const one = (name: string) => {
    const its = records.get(name);
    return its === undefined ? undefined : { ...literalHost(name), name, record: its, state: name === 'h1' ? now.state : 'alive' };
  };
  const update = async (name: string, { availability, drainedFor }: HostChange) => {
    const { drainedFor: before, ...rest } = one(name)?.record ?? assert.fail();
    const kept = availability === undefined ? before : drainedFor;
    records.set(name, { ...rest, ...(availability && { availability }), ...(kept !== undefined && { drainedFor: kept }) });
  };
  const lost = new AbortController();
  const said: string[] = [];
  const log = { info: (_: unknown, text: string) => said.push(text), warn: (_: unknown, text: string) => said.push(text) };
  const agents = {
    upgrade: async () => {
      now.looks++;
      return now.upgrade;
    },
  };
  const hosts = { list: () => [...records.keys()].map(one), one, update };
  const deps = { scheduler: { hosts, agents, containers: { list: () => [] } }, now: () => 0, log };
  const core = { deps, lost: lost.signal, list: () => [] } as unknown as Parameters<typeof createDrain>[0];
  const lock = createHostLock(() => 0);
  const noMoves = { move: () => Promise.reject(new Error('none')), resume: async () => undefined };
  const drain = createDrain(core, {} as Parameters<typeof createDrain>[1], noMoves, lock);
  drain.resume();
  createHostUpgrade(core, drain, lock).resume();
  return { now, lock, drain, said, record: () => records.get('h1'), [Symbol.dispose]: () => lost.abort() };
}

describe('a host that was emptied for its upgrade when the leader changed', () => {
  it('takes containers again once its agent is back and its upgrade has ended, and is not drained on', async () => {
    using leader = nextLeader();
    const { now, record, said } = leader;
    now.upgrade = { state: 'ended', code: 0, said: '' };
    using early = nextLeader(undefined, 'alive');
    assert.equal(early.lock.doing('h1'), undefined, 'it is not drained on, and nothing holds it');
    await until(() => early.now.looks > 1, 'a host whose upgrade goes on was looked at twice');
    assert.equal(record()?.availability, 'drain', 'its agent is away');
    assert.equal(now.looks, 0);
    now.upgrade = { state: 'running', said: '' };
    now.state = 'alive';
    await until(() => now.looks > 0, 'its agent is asked');
    assert.equal(record()?.availability, 'drain', 'its upgrade goes on');
    now.upgrade = { state: 'ended', code: 0, said: '' };
    await until(() => record()?.availability === 'active', 'it takes containers');
    assert.equal(record()?.drainedFor, undefined);
    await until(() => said.length === 2, 'that was logged');
    assert.match(said.join('\n'), /^emptied for an upgrade under an earlier leader: .*\ntakes containers again/);
  });

  it('stays as an operator has set it meanwhile', async () => {
    using leader = nextLeader();
    const { now, drain, record, said } = leader;
    now.state = 'alive';
    await until(() => now.looks > 0, 'it is waited for');
    await drain.drain('h1', () => undefined);
    assert.deepEqual([record()?.availability, record()?.drainedFor], ['drain', undefined]);
    now.upgrade = { state: 'ended', code: 0, said: '' };
    const before = now.looks;
    using other = nextLeader();
    other.now.state = 'alive';
    await until(() => other.now.looks > 1, 'another that is waited for was looked at twice');
    assert.ok(now.looks <= before + 1, 'this one is looked at no more');
    assert.equal(record()?.availability, 'drain');
    assert.equal(said.length, 1);
  });

  it('which an operator drained, or an older release, is drained on', () => {
    for (const more of [{}, { drainedFor: 'something newer' }] as const) {
      using leader = nextLeader({ availability: 'drain', ...more }, 'alive');
      assert.equal(leader.lock.doing('h1'), DRAINING);
    }
  });

  it('may be activated by two at once', async () => {
    using leader = nextLeader();
    assert.deepEqual(await Promise.all([leader.drain.activate('h1'), leader.drain.activate('h1')]), [{ host: 'h1' }, { host: 'h1' }]);
    assert.deepEqual([leader.record()?.availability, leader.record()?.drainedFor], ['active', undefined]);
  });
});
