import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { queryOf } from '../../../src/docker-api/containers/candidates.ts';
import { parseFilters } from '../../../src/docker-api/reads/filters.ts';
import { createReads } from '../../../src/docker-api/reads/index.ts';
import type { ContainerView } from '../../../src/model/index.ts';
import { createContainerQueries } from '../../../src/scheduler/view/container-queries.ts';
import { literalCluster, literalContainer, literalHost } from '../../support/fakes/literal-cluster.ts';
import { walkedIn } from '../../support/fakes/walked.ts';

/** Of so many containers each deployment has three, one of them exited. */
function manyContainers(number: number): readonly ContainerView[] {
  return Array.from({ length: number }, (_, n) => {
    const deployment = `app${Math.floor(n / 3)}`;
    return literalContainer({
      id: `${String(n % 997).padStart(3, '0')}${String(n).padStart(8, '0')}`.padEnd(64, 'e'),
      name: `${deployment}-web-${n}`,
      host: `h${n % 100}`,
      labels: { 'com.docker.compose.project': deployment, number: String(n) },
      networks: { [`${deployment}_default`]: { NetworkID: 'x' } },
      ...(n % 3 === 0 && { state: { Status: 'exited', Running: false } }),
    });
  });
}

const none = (): readonly [] => [];
const NOTHING = { id: () => undefined, linking: none, service: none, serviceRecords: none, replacements: none };

/** A view of these, and its indexes. */
function startView(all: readonly ContainerView[]) {
  const containers = new Map(all.map((one) => [one.id, one]));
  const queries = createContainerQueries({ containers: () => [...containers.values()], byId: (id) => containers.get(id) });
  return {
    containers,
    queries,
    put(one: ContainerView) {
      containers.set(one.id, one);
      queries.changed(one.id);
    },
    remove(id: string) {
      containers.delete(id);
      queries.changed(id);
    },
  };
}

const FILTERS: Readonly<Record<string, (deployment: string) => Readonly<Record<string, readonly string[]>>>> = {
  'a label and its value': (deployment) => ({ label: [`com.docker.compose.project=${deployment}`] }),
  'labels, a status and a name': (deployment) => ({
    label: ['number', `com.docker.compose.project=${deployment}`],
    status: ['running'],
    name: ['web'],
  }),
  'an id': () => ({ id: ['00500000005'] }),
  'a network and a label': (deployment) => ({ network: [`${deployment}_default`], label: [`com.docker.compose.project=${deployment}`] }),
};

describe('a filtered list of containers', () => {
  for (const [what, filterOf] of Object.entries(FILTERS))
    it(`by ${what} walks as many entries among 30,000 as among 300`, async () => {
      const walked: number[] = [];
      for (const number of [300, 30_000]) {
        const view = startView(manyContainers(number));
        const cluster = literalCluster({
          containers: { list: () => assert.fail('all containers are listed') },
          hosts: { one: (name) => literalHost(name) },
          view: { version: () => 1, settled: () => undefined, containersBy: { ...NOTHING, matching: view.queries.matching } },
        });
        const reads = createReads(cluster, { now: () => Date.parse('2026-01-01T00:01:00Z'), version: '0' });
        const list = async (deployment: string): Promise<number> => {
          const query = new URLSearchParams({ all: '1', filters: JSON.stringify(filterOf(deployment)) });
          const { body } = await reads.containerList(query, {}, '1.41');
          return (JSON.parse(body.toString()) as unknown[]).length;
        };
        assert.ok((await list('app1')) > 0);
        walked.push(
          await walkedIn(async () => {
            view.put(literalContainer({ id: 'f'.repeat(64), name: 'other' }));
            await list('app2');
          }),
        );
      }
      // of 30,000 some more ids begin alike
      assert.ok((walked[1] ?? 0) <= (walked[0] ?? 0) + 100, walked.join(' and '));
    });

  it('shows after any changes what a look at all shows', () => {
    const one = fc.record({
      id: fc.nat(5),
      name: fc.constantFrom('web', 'db', 'webdb'),
      label: fc.constantFrom('', 'a', 'b'),
      isRunning: fc.boolean(),
      network: fc.constantFrom('bridge', 'abc_default', 'strange'),
      host: fc.constantFrom('h1', 'h2'),
    });
    const filter = fc.record(
      {
        id: fc.constantFrom(['aa1'], ['aa'], ['a'], ['aa1', 'aa2']),
        name: fc.constantFrom(['web'], ['^/db$'], ['nothing', 'db']),
        label: fc.constantFrom(['x'], ['x=a'], ['x=a', 'x'], ['arpanet.host=h1']),
        status: fc.constantFrom(['running'], ['exited'], ['exited', 'running']),
        exited: fc.constantFrom(['0']),
        network: fc.constantFrom(['bridge'], ['abc'], ['abc_default'], ['strange']),
        node: fc.constantFrom(['h1'], ['h1', 'h2']),
      },
      { requiredKeys: [] },
    );
    const change = fc.oneof(fc.record({ put: one }), fc.record({ remove: fc.nat(5) }), fc.record({ ask: filter }));
    const idOf = (n: number): string => `aa${n}`.padEnd(64, '0');
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const view = startView([]);
        const all = {
          view: { version: () => Math.random(), settled: () => undefined },
          hosts: { one: (name: string) => literalHost(name) },
        };
        const list = () => [...view.containers.values()];
        const indexed = literalCluster({
          ...all,
          containers: { list },
          view: { ...all.view, containersBy: { ...NOTHING, matching: view.queries.matching } },
        });
        const walking = literalCluster({
          ...all,
          containers: { list },
          view: { ...all.view, containersBy: { ...NOTHING, matching: () => undefined } },
        });
        const [fast, slow] = [indexed, walking].map((cluster) => createReads(cluster, { now: () => 1_800_000_000_000, version: '0' }));
        for (const step of changes) {
          if ('put' in step) {
            const { id, name, label, isRunning, network, host } = step.put;
            const labels: Record<string, string> = label === '' ? {} : { x: label };
            const state = isRunning ? {} : { Status: 'exited', Running: false };
            view.put(literalContainer({ id: idOf(id), name, labels, state, host, networks: { [network]: { NetworkID: 'abcdef' } } }));
          } else if ('remove' in step) view.remove(idOf(step.remove));
          else {
            const query = new URLSearchParams({ filters: JSON.stringify(step.ask), all: '1' });
            const [a, b] = [fast, slow].map((reads) => reads?.containerList(query, {}, '1.41'));
            assert.ok(a !== undefined && b !== undefined && 'body' in a && 'body' in b);
            assert.equal(a.body.toString(), b.body.toString());
          }
        }
      }),
    );
  });

  it('finds who is on a network without a look at the other networks', async () => {
    const walked: number[] = [];
    for (const number of [300, 30_000]) {
      const { queries } = startView(manyContainers(number));
      const find = () => queries.matching({ networks: ['app1_default'] })?.map(({ name }) => name);
      assert.deepEqual(find(), ['app1-web-3', 'app1-web-4', 'app1-web-5']);
      walked.push(await walkedIn(async () => void find()));
    }
    assert.equal(walked[0], walked[1]);
  });

  it('enters changes before thousands of them wait', () => {
    let looks = 0;
    const counting = createContainerQueries({ containers: () => [], byId: () => void (looks += 1) });
    counting.matching({ hosts: ['h1'] });
    for (let n = 0; n < 5_000; n++) counting.changed(`c${n}`);
    assert.equal(looks, 5_000);
  });

  it('is made of all where its filters mean places among all', () => {
    for (const filters of ['{"before":["web"]}', '{"since":["web"]}'])
      assert.equal(queryOf(parseFilters(filters), new Map(), new Map()), undefined);
  });
});
