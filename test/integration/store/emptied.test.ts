/** Consul emptied or damaged under running schedulers: nobody founds another cluster, no host is refused, and what repairs it is said. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keys } from '../../../src/model/index.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { type RunningConsul, startConsul } from '../../support/servers/consul.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const until = (what: string, check: () => unknown) => untilWithin(what, check);
/** Some elections long. */
const A_WHILE_MS = 3_000;

interface Entry {
  readonly Key: string;
  readonly Value: string | null;
}

describe('a Consul that loses what it held', { timeout: 600_000 }, () => {
  let consul: RunningConsul;
  let both: readonly SmallScheduler[];
  let agent: FakeAgent;

  const kv = (path: string, init: RequestInit = {}) => fetch(`http://${consul.http}/v1/kv/${path}`, init);
  const everything = async () => (await (await kv(`${keys.root}?recurse`)).json()) as readonly Entry[];
  const put = (key: string, text: string) => kv(key, { method: 'PUT', body: text });
  const clusterId = async () => {
    const answer = await kv(`${keys.clusterId}?raw`);
    return answer.status === 404 ? undefined : answer.text();
  };
  const leads = async (scheduler: SmallScheduler) => (await scheduler.call('GET', '/arpanet/v1/token')).status === 200;
  const said = (scheduler: SmallScheduler, text: RegExp) => scheduler.errors.some((line) => text.test(line));
  const refusals = () => agent.told.filter(({ type }) => type === 'refused');

  before(async () => {
    consul = await startConsul();
    agent = await startFakeAgent({ name: 'h1', token: JOIN_TOKEN, address: '10.0.0.1' });
    const first = await startSmallScheduler('s1', { kind: 'consul', address: consul.http });
    await until('the first leads', () => leads(first));
    both = [first, await startSmallScheduler('s2', { kind: 'consul', address: consul.http })];
    await agent.dial(first.url);
    await first.ready();
    await first.call('POST', '/v1.41/networks/create', { Name: 'front' });
    // the other has seen the cluster as well: it reads that first of all
    await until('the other follows', () => leads(both[1] ?? assert.fail()));
    await sleep(1_200);
  });
  after(async () => {
    for (const scheduler of both ?? []) await scheduler[Symbol.asyncDispose]();
    await agent?.[Symbol.asyncDispose]();
    await consul?.stop();
  });

  it('is led on by nobody when it was emptied, until what it held is back', async () => {
    const held = await everything();
    await kv(`${keys.root}?recurse`, { method: 'DELETE' });
    const words =
      /cannot lead: the state store held cluster \w+ and was emptied, .*stop all schedulers and run "arpanet restore" with a backup, or "arpanet recover"/;
    await until('a scheduler says so', () => both.some((scheduler) => said(scheduler, words)));
    await sleep(A_WHILE_MS);
    await until('the other says so, too', () => both.every((scheduler) => said(scheduler, words)));
    assert.equal(await clusterId(), undefined, 'nobody founds another cluster');
    assert.deepEqual(refusals(), []);
    for (const { Key, Value } of held)
      if (Key !== keys.leader && Key !== keys.barrier) await put(Key, Buffer.from(Value ?? '', 'base64').toString());
    await until('one leads again', async () => (await Promise.all(both.map(leads))).some(Boolean));
    await until('the host joins', () => agent.dial(both[0]?.url ?? '').then(() => true));
    await until('the host is alive', async () =>
      JSON.stringify(await both[0]?.call('GET', '/arpanet/v1/hosts')).includes('"state":"alive"'),
    );
    assert.match(JSON.stringify(await both[0]?.call('GET', '/v1.41/networks')), /"Name":"front"/);
    assert.deepEqual(refusals(), []);
  });

  it('gets the id of its cluster back when only that was deleted or damaged', async () => {
    const sound = (await clusterId()) ?? assert.fail();
    for (const damaged of ['garbage', '5', '{"a":1}', undefined]) {
      await (damaged === undefined ? kv(keys.clusterId, { method: 'DELETE' }) : put(keys.clusterId, damaged));
      await kv(keys.leader, { method: 'DELETE' });
      await until(`it is written back: ${damaged}`, async () => (await clusterId()) === sound);
      await until('one leads again', async () => (await Promise.all(both.map(leads))).some(Boolean));
    }
    assert.ok(both.some((scheduler) => said(scheduler, /the id of the cluster was deleted or damaged/)));
    assert.deepEqual(refusals(), []);
  });

  it('is not led on by one that never saw it while its id is damaged: the key is named, and nothing is written over it', async () => {
    for (const scheduler of both) await scheduler[Symbol.asyncDispose]();
    await put(keys.clusterId, 'garbage');
    await using late = await startSmallScheduler('s3', { kind: 'consul', address: consul.http });
    const words =
      /cannot lead: the key arpanet\/config\/cluster-id of the state store is damaged \(not JSON: "garbage"\), .*"arpanet restore" or "arpanet recover"/;
    await until('it says so', () => said(late, words));
    await sleep(A_WHILE_MS / 2);
    assert.equal(await clusterId(), 'garbage');
    assert.equal(await leads(late), false);
  });
});
