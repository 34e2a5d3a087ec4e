/** Two schedulers over one store, hosts of plain data: what the one that follows answers itself, and what it has when it leads. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/cluster/cluster.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { BUSYBOX } from '../../support/fakes/fake-cluster.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const HOSTS = 20;
const CONTAINERS = 12;
type Listed = readonly { readonly Id: string; readonly Names: readonly string[]; readonly State: string }[];

describe('a scheduler that follows', { timeout: 240_000 }, () => {
  const agents: FakeAgent[] = [];
  let dir: string;
  let leader: SmallScheduler;
  let follower: SmallScheduler;

  /** How many reads followers answered themselves. */
  async function copied(): Promise<number> {
    const { body } = await follower.call('GET', '/metrics');
    return Number(/^arpanet_follower_reads_total\{by="copy"\} (\d+)/m.exec(String(body))?.[1] ?? 0);
  }
  async function fromCopy<T>(read: () => Promise<T>): Promise<T> {
    const before = await copied();
    const found = await read();
    assert.equal(await copied(), before + 1, 'the follower answered it itself');
    return found;
  }
  const list = async (at: SmallScheduler) => (await at.call('GET', '/containers/json?all=1')).body as Listed;
  const create = async (at: SmallScheduler, name: string): Promise<string> => {
    const made = await at.call('POST', `/containers/create?name=${name}`, {
      Image: 'busybox',
      Labels: { 'com.docker.compose.project': 'app' },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { Id } = made.body as { readonly Id: string };
    assert.equal((await at.call('POST', `/containers/${Id}/start`)).status, 204);
    return Id;
  };

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-replica-'));
    leader = await startSmallScheduler('s1', { kind: 'embedded', dir });
    await leader.ready();
    for (let i = 0; i < HOSTS; i++) {
      const agent = await startFakeAgent({ name: `h${i}`, token: JOIN_TOKEN, address: `10.0.1.${i}` });
      agent.engine.images.push(BUSYBOX);
      agents.push(agent);
      await agent.dial(leader.url);
    }
    for (let i = 0; i < CONTAINERS; i++) await create(leader, `c${i}`);
    follower = await startSmallScheduler('s2', { kind: 'embedded', dir });
    await follower.ready();
    await until('the follower has a copy of the view', async () => {
      const before = await copied();
      await list(follower);
      return (await copied()) > before;
    });
  });
  after(async () => {
    await follower?.[Symbol.asyncDispose]();
    await leader?.[Symbol.asyncDispose]();
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  it('answers reads as the leader does, byte for byte', async () => {
    const Id = (await list(leader))[0]?.Id ?? '';
    const paths = [
      '/containers/json?all=1',
      `/containers/${Id}/json`,
      '/containers/c1/json',
      '/images/json',
      '/networks',
      '/networks/app_default',
      '/volumes',
      '/version',
    ];
    for (const path of paths) {
      const here = await fromCopy(() => follower.call('GET', path));
      assert.deepEqual(here, await leader.call('GET', path), path);
    }
    assert.equal((await fromCopy(() => follower.call('GET', '/networks/nothing'))).status, 404);
  });

  it('shows what a client was answered by either scheduler, at once', async () => {
    const before = await copied();
    for (let i = 0; i < 12; i++) {
      const [writes, reads] = i % 2 === 0 ? [leader, follower] : [follower, leader];
      const id = await create(writes, `w${i}`);
      const shown = (await list(reads)).find((one) => one.Id === id);
      assert.equal(shown?.State, 'running', `w${i} after its start`);
      assert.equal((await writes.call('POST', `/containers/${id}/stop`)).status, 204);
      const { body } = await reads.call('GET', `/containers/${id}/json`);
      assert.equal((body as { readonly State: { readonly Status: string } }).State.Status, 'exited');
      assert.equal((await writes.call('DELETE', `/containers/${id}`)).status, 204);
      assert.equal((await reads.call('GET', `/containers/${id}/json`)).status, 404);
      assert.equal(
        (await list(reads)).some((one) => one.Id === id),
        false,
        `w${i} after its removal`,
      );
    }
    assert.equal(await copied(), before + 24);
  });

  it('asks the leader for what needs an Engine, and for all that changes something', async () => {
    const before = await copied();
    assert.equal((await follower.call('GET', '/info')).status, 200);
    const sized = await follower.call('GET', '/containers/json?all=1&size=1');
    assert.deepEqual(sized, await leader.call('GET', '/containers/json?all=1&size=1'));
    assert.equal((await follower.call('POST', '/networks/create', { Name: 'extra' })).status, 201);
    assert.equal(await copied(), before);
  });

  it('has what the leader had when it leads: hosts come back by their digests, and send no container again', async () => {
    const ids = (await list(leader)).map(({ Id }) => Id).toSorted();
    for (const agent of agents) agent.said.length = 0;
    // of one host something changes while nobody leads
    const changed = agents.find(({ engine }) => engine.containers.size > 0);
    await leader[Symbol.asyncDispose]();
    for (const agent of agents) agent.hangUp();
    const [held] = changed?.engine.containers.values() ?? [];
    assert.ok(held, 'a host has a container');
    held.status = 'exited';
    await until('the other leads', async () => {
      const { body } = await follower.call('GET', '/arpanet/v1/health');
      return (body as { readonly role: string }).role === 'leading';
    });
    for (const agent of agents) await agent.dial(follower.url);
    await until('all hosts are alive', async () => {
      const { body } = await follower.call('GET', '/arpanet/v1/hosts');
      return (body as readonly { readonly state: string }[]).every(({ state }) => state === 'alive');
    });
    const resent = agents.filter(({ said }) => ['piece', 'rest', 'snapshot'].some((type) => said.includes(type)));
    assert.deepEqual(
      resent.map(({ name }) => name),
      [changed?.name],
      'the one that changed alone',
    );
    assert.deepEqual((await list(follower)).map(({ Id }) => Id).toSorted(), ids);
    const exited = (await list(follower)).filter(({ State }) => State === 'exited').map(({ Id }) => Id);
    assert.deepEqual(exited, [held.id]);
  });
});
