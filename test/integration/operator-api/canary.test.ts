/** Canaries by the operator's API of a whole leader in one process: the real endpoint, scheduler and services over hosts that are fakes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/cluster/cluster.ts';
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
  /** The proxies of all hosts count so many more, for each instance of the canary and of the others. */
  const count = (ofCanary: readonly [requests: number, errors: number], others: readonly [requests: number, errors: number]): void => {
    for (const agent of fake.cluster.agents) {
      const before = new Map(agent.httpFigures.map((one) => [one.container, one]));
      agent.httpFigures = fake.cluster.scheduler.containers.list().map(({ id, name }) => {
        const [requests, errors] = name.includes('canary') ? ofCanary : others;
        const was = before.get(id);
        return { container: id, requests: (was?.requests ?? 0) + requests, errors: (was?.errors ?? 0) + errors, latencyMs: 10 };
      });
    }
  };
  const report = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await ask('GET', '/arpanet/v1/services/canary?of=web')).text) as Record<string, unknown>;
  const canaries = (): readonly string[] => running().filter((one) => one.includes('canary'));

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
    await until('hosts have said what they can', () => fake.cluster.scheduler.hosts.list().every(({ facts }) => facts?.http === 'edge'));
    for (const [name, own] of [
      ['web', labels],
      ['plain', {}],
    ] as const) {
      const { status, text } = await ask('POST', '/services/create', spec(name, own));
      assert.equal(status, 201, text);
    }
    await until('both services run', () => running().length === 4);
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
    assert.match(said, /the canary runs, and is taken back if it does worse than the others; /);
    assert.equal(running().filter((one) => one.includes('busybox:2')).length, 1, running().join());
    assert.match(
      await work('update', { services: ['web'], image: 'busybox:2', canary: '10%' }),
      /default\/web has a canary: "arpanet promote default\/web" or/,
    );
    assert.match(await work('promote', { services: ['web'] }), /is not promoted: too few requests .*--force promotes it all the same/);
    await until('it is judged', async () => {
      count([100, 0], [450, 0]);
      return (await report())['verdict'] === 'good';
    });
    const { share, image: shown, running: up } = await report();
    assert.deepEqual([share, shown, up], [0.1, 'busybox:2', 1]);
    await work('abort', { services: ['web'] });
    assert.deepEqual(imagesOfWeb(), ['busybox:latest', 'busybox:latest']);
    assert.equal((await ask('GET', '/arpanet/v1/services/canary?of=web')).status, 404);
  });

  it('is taken back by itself when it does worse than the others: the operation, events, lists and explain say why', async () => {
    const events: Record<string, string>[] = [];
    fake.cluster.scheduler.events.listen(({ event }) => {
      if (event.Type === 'service') events.push(event.Actor.Attributes);
    }, AbortSignal.timeout(60_000));
    let said: string | undefined;
    const begun = work('update', { services: ['web'], image: 'busybox:2', canary: '10%', promoteAfterMs: 3_600_000 });
    begun.then((text) => (said = text)).catch(() => undefined);
    await until('the operation has ended', () => {
      count([100, 7], [450, 0]);
      return said !== undefined;
    });
    const why = /more requests fail \(canary: [67]\.\d% errors, 10 ms, of \d+ requests; others: 0\.0% errors/;
    assert.match(String(said), /"error":"the canary of default\/web is taken back: more requests fail/);
    await until('its instances have gone', () => canaries().length === 0);
    assert.deepEqual(imagesOfWeb(), ['busybox:latest', 'busybox:latest']);
    assert.deepEqual(
      events.map(({ name, canary }) => [name, canary]),
      [
        ['web', 'begun'],
        ['web', 'taken back'],
      ],
    );
    assert.match(events[1]?.['why'] ?? '', why);
    const { isTakenBack, why: told } = await report();
    assert.equal(isTakenBack, true);
    assert.match(String(told), /^the canary \(busybox:2\) was taken back at \d{4}-.*: more requests fail/);
    assert.match((await ask('GET', '/arpanet/v1/services?of=default/web-canary')).text, why);
    const [first] = fake.cluster.scheduler.containers.list().filter(({ name }) => name.startsWith('web'));
    assert.match((await ask('GET', `/arpanet/v1/explain/${first?.name}`)).text, why);
    assert.match(await work('promote', { services: ['web'], force: true }), /was taken back at .* changes the service without one/);
  });

  it('becomes its service when it is promoted, or has done well for as long as was asked for', async () => {
    await work('update', { services: ['web'], image: 'busybox:2', canary: '50%' });
    await until('it is judged', async () => {
      count([100, 0], [100, 0]);
      return (await report())['verdict'] === 'good';
    });
    await work('promote', { services: ['web'] });
    await until('the canary has gone', () => canaries().length === 0);
    assert.deepEqual(imagesOfWeb(), ['busybox:2', 'busybox:2']);

    let said: string | undefined;
    const begun = work('update', { services: ['web'], image: 'busybox:latest', canary: '50%', promoteAfterMs: 1 });
    begun.then((text) => (said = text)).catch(() => undefined);
    await until('the operation has ended', () => {
      count([100, 0], [100, 0]);
      return said !== undefined;
    });
    assert.match(String(said), /"state":"completed"/);
    assert.deepEqual(imagesOfWeb(), ['busybox:latest', 'busybox:latest']);
    assert.match(await work('update', { services: ['web'], image: 'busybox:2', promoteAfterMs: 1 }), /promoteAfterMs is of a canary/);
    assert.deepEqual(fake.unexpected, []);
  });

  it('is looked after by the next leader', async () => {
    await work('update', { services: ['web'], image: 'busybox:2', canary: '50%' });
    fake.leadAgain();
    await until('its instances have gone', () => {
      count([100, 7], [100, 0]);
      return canaries().length === 0;
    });
    assert.match(String((await report())['why']), /more requests fail/);
  });

  it('goes with its service', async () => {
    await work('update', { services: ['web'], image: 'busybox:latest', canary: '50%' });
    assert.equal(imagesOfWeb().length, 3);
    await work('rm', { services: ['web'] });
    assert.deepEqual(imagesOfWeb(), []);
  });
});
