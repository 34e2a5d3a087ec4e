/** Canaries by the operator's API of a whole leader in one process: the real endpoint, scheduler and services over hosts that are fakes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/fakes/fake-cluster.ts';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';
import { image } from '../../support/fakes/fake-engine.ts';

describe('a canary', () => {
  let fake: FakeEndpoint;
  const ask = async (method: string, path: string, value?: unknown): Promise<{ readonly status: number; readonly text: string }> => {
    const body = value === undefined ? {} : { body: JSON.stringify(value) };
    const answer = await fetch(`${fake.url}${path}`, { method, headers: { 'Content-Type': 'application/json' }, ...body });
    return { status: answer.status, text: await answer.text() };
  };
  const work = async (path: string, value: object): Promise<string> =>
    (await ask('POST', `/arpanet/v1/services/${path}`, value)).text.replaceAll('\\"', '"');
  const running = (): readonly string[] =>
    fake.cluster.scheduler.containers
      .list()
      .filter(({ facts }) => facts.inspect.State.Running)
      .map(({ name, facts }) => `${name} ${facts.inspect.Config.Image}`)
      .toSorted((a, b) => (a < b ? -1 : 1));
  /** The proxies have counted so much, of the canary and of the others. */
  const count = (ofCanary: readonly [requests: number, errors: number], others: readonly [requests: number, errors: number]): void => {
    for (const agent of fake.cluster.agents)
      agent.httpFigures = fake.cluster.scheduler.containers.list().map(({ id, name }) => {
        const [requests, errors] = name.includes('canary') ? ofCanary : others;
        return { container: id, requests, errors, latencyMs: 10 };
      });
  };

  before(async () => {
    fake = await startFakeEndpoint(2);
    for (const agent of fake.cluster.agents) {
      agent.engine.images.push(image('busybox:2', `sha256:${'c'.repeat(64)}`));
      agent.program = { agentVersion: 'fake', http: 'edge' };
      agent.hangUp();
      await agent.dial(fake.cluster.url);
    }
    const labels = { 'arpanet.http': 'shop.example.com' };
    const spec = (Name: string, Labels: object) => ({
      Name,
      TaskTemplate: { ContainerSpec: { Image: 'busybox', Labels } },
      Mode: { Replicated: { Replicas: 2 } },
      UpdateConfig: { Parallelism: 2, Monitor: 1_000_000, FailureAction: 'pause' },
    });
    await until(() => fake.cluster.scheduler.hosts.list().every(({ facts }) => facts?.http === 'edge'), 'hosts have said what they can');
    for (const [name, own] of [
      ['web', labels],
      ['plain', {}],
    ] as const) {
      const { status, text } = await ask('POST', '/services/create', spec(name, own));
      assert.equal(status, 201, text);
    }
    await until(() => running().length === 4, 'both services run');
  });
  after(async () => {
    await fake?.[Symbol.asyncDispose]();
  });
  const imagesOfWeb = (): readonly (string | undefined)[] =>
    running()
      .filter((one) => !one.startsWith('plain'))
      .map((one) => one.split(' ')[1]);

  it('is refused where requests have no name, for a share that is none, and beside another', async () => {
    assert.match(
      await work('update', { services: ['plain'], image: 'busybox:2', canary: '10%' }),
      /this service has none: give it the label arpanet\.http/,
    );
    assert.match(
      await work('update', { services: ['web'], image: 'busybox:2', canary: '100%' }),
      /a canary's share is "100%": it must be like 10%/,
    );
    assert.match(
      await work('promote', { services: ['web'] }),
      /default\/web has no canary: "arpanet update default\/web --image IMAGE --canary 10%" begins one/,
    );
    assert.deepEqual(
      running().filter((one) => one.includes('canary')),
      [],
    );
  });

  it('runs beside the instances, and goes when it is aborted', async () => {
    const said = await work('update', { services: ['web'], image: 'busybox:2', canary: '10%' });
    assert.match(said, /the canary runs; /);
    assert.equal(running().filter((one) => one.includes('busybox:2')).length, 1, running().join());
    assert.match(
      await work('update', { services: ['web'], image: 'busybox:2', canary: '10%' }),
      /default\/web has a canary: "arpanet promote default\/web" or/,
    );
    count([100, 5], [450, 0]);
    const { text } = await ask('GET', '/arpanet/v1/services/canary?of=web');
    const report = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual(
      [report['share'], report['image'], report['running'], report['verdict'], report['canary']],
      [0.1, 'busybox:2', 1, 'bad', { requests: 200, errors: 10, latencyMs: 10 }],
    );
    assert.match(await work('promote', { services: ['web'] }), /is not promoted: more requests fail .*--force promotes it all the same/);
    await work('abort', { services: ['web'] });
    assert.deepEqual(imagesOfWeb(), ['busybox:latest', 'busybox:latest']);
    assert.equal((await ask('GET', '/arpanet/v1/services/canary?of=web')).status, 404);
  });

  it('becomes its service when it is promoted', async () => {
    await work('update', { services: ['web'], image: 'busybox:2', canary: '50%' });
    count([100, 0], [100, 0]);
    await work('promote', { services: ['web'] });
    await until(() => !running().some((one) => one.includes('canary')), 'the canary has gone');
    assert.deepEqual(imagesOfWeb(), ['busybox:2', 'busybox:2']);
    assert.deepEqual(fake.unexpected, []);
  });

  it('goes with its service', async () => {
    await work('update', { services: ['web'], image: 'busybox:latest', canary: '50%' });
    assert.equal(imagesOfWeb().length, 3);
    await work('rm', { services: ['web'] });
    assert.deepEqual(imagesOfWeb(), []);
  });
});
