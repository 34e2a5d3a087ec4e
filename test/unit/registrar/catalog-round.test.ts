/** The catalog is compared some nodes at a time: what somebody else has written to it is put right, and a look costs the same with ten hosts and with a thousand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NamedInstance } from '../../../src/model/index.ts';
import { createCatalogPlan } from '../../../src/registrar/catalog-plan.ts';
import { createCatalogRound } from '../../../src/registrar/catalog-round.ts';
import { NODE_PREFIX } from '../../../src/registrar/catalog.ts';
import type { CatalogService } from '../../../src/store/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { applied } from '../../support/fakes/applied-catalog.ts';
import { instance } from '../../support/fakes/literal-names.ts';
import { walkedIn } from '../../support/fakes/walked.ts';

/** With an instance on each host, all as the plan wants it. */
function world(hosts: number) {
  const read = { looks: 0, nodes: 0, lists: 0 };
  let held: readonly CatalogService[] = [];
  let index = 1;
  const names = Array.from({ length: hosts }, (_, i) => `h${i}`);
  const host = (name: string) => (names.includes(name) ? ({ name, address: '192.0.2.1', state: 'alive' } as const) : undefined);
  const plan = createCatalogPlan({ host, outside: () => [] });
  const all = names.map((name, i): NamedInstance => instance(`1.s${i}.abc`, { n1: '10.32.0.2' }, { container: `c${i}`, host: name }));
  plan.note(
    all.map((now) => ({ before: undefined, now })),
    names,
  );
  plan.listed([]);
  const bring = (): number => {
    const changes = plan.changes();
    if (changes.length > 0) held = applied(held, changes);
    if (changes.length > 0) index += 1;
    plan.done();
    return changes.length;
  };
  bring();
  const byNode = new Map<string, CatalogService[]>();
  for (const service of held) byNode.set(service.node, [...(byNode.get(service.node) ?? []), service]);
  let isWoken = false;
  const catalog = {
    async list(_prefix: string, only: readonly string[] = []) {
      read.looks += 1;
      read.nodes += only.length;
      return only.flatMap((node) => (isForged ? held.filter((service) => service.node === node) : (byNode.get(node) ?? [])));
    },
    async nodes() {
      read.lists += 1;
      return isForged ? [...new Set(held.map(({ node }) => node))] : [...byNode.keys()];
    },
    changeIndex: async () => index,
  };
  let isForged = false;
  const round = createCatalogRound(catalog, NODE_PREFIX, () => (isWoken = true), 0);
  const look = async (): Promise<number> => {
    isWoken = false;
    const { nodes, found } = await round.look(plan.nodes);
    plan.looked(nodes, found);
    return bring();
  };
  return {
    read,
    round,
    look,
    held: () => held,
    /** Until the round is over: how many changes it made. */
    async whole(): Promise<number> {
      round.begin();
      let changes = 0;
      const nodes = new Set([...(await catalog.nodes()), ...plan.nodes()]).size;
      for (let left = nodes; left > 0; left -= 10) {
        await until('the next nodes are due', () => isWoken);
        changes += await look();
      }
      return changes;
    },
    forge(change: (now: readonly CatalogService[]) => readonly CatalogService[]): void {
      isForged = true;
      held = change(held);
      index += 1;
    },
  };
}

describe('a round through the catalog', () => {
  it('puts right what somebody else has changed, removed or added, on whichever node', async () => {
    const at = world(25);
    const before = at.held();
    at.forge((held) => [
      ...held
        .filter(({ node }) => node !== 'arpanet-h3')
        .map((service) => (service.node === 'arpanet-h17' ? { ...service, address: '10.99.0.1' } : service)),
      { node: 'arpanet-h5', nodeAddress: '192.0.2.1', id: 'forged', service: 's', tags: [], address: '10.99.0.2', meta: {} },
      { node: 'arpanet-nobody', nodeAddress: '192.0.2.9', id: 'x', service: 's', tags: [], address: '10.99.0.3', meta: {} },
    ]);
    assert.notEqual(await at.whole(), 0);
    const sorted = (services: readonly CatalogService[]) =>
      services.toSorted((a, b) => (`${a.node} ${a.id}` < `${b.node} ${b.id}` ? -1 : 1));
    assert.deepEqual(sorted(at.held()), sorted(before));
    assert.equal(await at.whole(), 0, 'and it stays so');
  });

  it('reads nothing while the change index stays', async () => {
    const at = world(25);
    assert.equal(await at.whole(), 0);
    const nodes = at.read.nodes;
    assert.ok(nodes >= 25);
    at.round.begin();
    await at.look();
    assert.equal(at.read.nodes, nodes);
    assert.equal(at.round.isDue(), false);
  });

  it('costs as much for each look with a thousand hosts as with thirty', async () => {
    const costs: number[] = [];
    for (const hosts of [30, 1_000]) {
      const at = world(hosts);
      at.round.begin();
      await at.look();
      await until('the next nodes are due', () => at.round.isDue());
      const before = at.read.nodes;
      costs.push(
        await walkedIn(async () => {
          await at.look();
        }),
      );
      assert.equal(at.read.nodes - before, 10);
      at.round.stop();
    }
    const [few = 0, many = 0] = costs;
    assert.ok(few > 0 && many <= few * 1.1, `${few} entries walked with 30 hosts, ${many} with 1,000`);
  });
});
