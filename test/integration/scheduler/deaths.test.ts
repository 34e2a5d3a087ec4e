/**
 * A scheduler, an agent or an Engine dies at each of the failpoints: what was answered holds, and nothing is left over. Whole schedulers over one
 * embedded store, in this process; hosts of plain data. test/e2e/failures has the same with real parts, at a point of each kind of work.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Failpoint, FAILPOINTS } from '../../../src/model/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import type { Answer } from '../../support/cluster/leaders.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';
import { type Ask, failpointWork, isOfCount } from '../../support/suites/failpoint-work.ts';

/** For how long an agent or an Engine is away. */
const AWAY_MS = 100;

type Part = 'scheduler' | 'agent' | 'Engine';

describe('a death at each failpoint', { concurrency: true }, () => {
  for (const part of ['scheduler', 'agent', 'Engine'] as const) describe(`of the ${part}`, { concurrency: 1 }, () => deathsOf(part));
});

function deathsOf(part: Part): void {
  let dir: string;
  let agent: FakeAgent;
  let leader: SmallScheduler;
  let terms = 0;
  /** Aborts with the leader, as its connections do. */
  let life = new AbortController();
  let armed: { readonly point: Failpoint; readonly strike: () => Promise<void> } | undefined;
  const ended: Promise<void>[] = [];

  async function failpoint(point: Failpoint): Promise<void> {
    if (armed?.point !== point) return;
    const { strike } = armed;
    armed = undefined;
    await strike();
  }
  async function nextLeader(): Promise<void> {
    const settings = { kind: 'embedded', dir: join(dir, 'store') } as const;
    leader = await startSmallScheduler(`s${++terms}`, settings, { own: { leaseRest: 0 } }, { failpoint });
    life = new AbortController();
    await leader.ready();
    await agent.dial(leader.url);
    await until('the host is alive', async () => (await operator<{ state: string }[]>(leader, 'hosts'))[0]?.state === 'alive');
  }
  const strikes: Readonly<Record<Part, () => Promise<void>>> = {
    /** Nothing of it goes on: its connections are cut, and what it was doing is never continued. */
    scheduler() {
      const dead = leader;
      life.abort();
      agent.die();
      ended.push(Promise.resolve(dead[Symbol.asyncDispose]()).then(nextLeader));
      return new Promise(() => undefined);
    },
    async agent() {
      agent.die();
      const { url } = leader;
      ended.push(sleep(AWAY_MS).then(() => agent.dial(url)));
    },
    async Engine() {
      agent.killEngine();
      ended.push(sleep(AWAY_MS).then(() => agent.startEngine()));
    },
  };

  async function askAt(url: string, ...[method, path, body]: Parameters<Ask>): Promise<Answer> {
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const sinceMs = Date.now();
    try {
      const answer = await fetch(url + path, { method, signal: AbortSignal.any([life.signal, AbortSignal.timeout(60_000)]), ...init });
      return { status: answer.status, retryAfter: null, message: await answer.text(), ms: Date.now() - sinceMs };
    } catch (error) {
      return { status: 0, retryAfter: null, message: String(error), ms: Date.now() - sinceMs };
    }
  }
  const leads = async () => {
    await Promise.all(ended.splice(0));
    return leader;
  };
  const work = failpointWork(leads, askAt);
  const ask: Ask = async (...asked) => askAt((await leads()).url, ...asked);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-deaths-'));
    agent = await startFakeAgent({ name: 'h1', token: JOIN_TOKEN });
    agent.engine.images.push(image('busybox:latest', `sha256:${'b'.repeat(64)}`));
    await nextLeader();
  });
  after(async () => {
    await Promise.all(ended);
    await leader?.[Symbol.asyncDispose]();
    await agent?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  for (const [index, point] of FAILPOINTS.entries())
    it(`at ${point}: what was begun is finished or undone`, async () => {
      armed = { point, strike: strikes[part] };
      await (isOfCount(point) ? work.scale(ask, `c${index}`) : work.exercise(ask, `c${index}`));
      assert.equal(armed, undefined, 'it never came to this point');
      await work.clean();
      assert.deepEqual([...agent.engine.containers.values()], []);
      assert.deepEqual([...agent.engine.networks.values()], []);
    });
}
