import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { ContainerRecord, ContainerView, NamedInstance } from '../../../src/model/index.ts';
import { createInstanceTable, instancesOf } from '../../../src/registrar/index.ts';
import { createNameInterest } from '../../../src/scheduler/agents/name-interest.ts';
import { instancesFor } from '../../../src/scheduler/agents/names-push.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

const NAMES = ['abc_web_1', 'abc_web_2', 'abc_db_1', 'xyz_web_1', 'twin_web_1', 'solo'];
const HOSTS = ['h1', 'h2', 'h3'];
const idOf = (n: number): string => String(n).padStart(4, 'a').padEnd(64, '0');

/** One change of the cluster, as plain numbers. */
const change = fc.record({
  name: fc.constantFrom(...NAMES),
  host: fc.constantFrom(...HOSTS),
  what: fc.constantFrom('write', 'delete', 'container', 'gone', 'withdraw', 'host'),
  id: fc.nat(5),
  number: fc.integer({ min: 1, max: 2 }),
  deployment: fc.constantFrom('abc', 'xyz'),
  network: fc.constantFrom('n1', 'n2'),
  link: fc.option(fc.record({ target: fc.constantFrom(...NAMES, idOf(1).slice(0, 12)), alias: fc.constantFrom('web', 'db', 'peer') }), {
    nil: undefined,
  }),
  running: fc.boolean(),
});

describe('the table of instances', () => {
  it('is after any changes what is made of everything, and tells all that changed; so is what each host may ask for', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 25 }), (rounds) => {
        const records = new Map<string, ContainerRecord>();
        const containers = new Map<string, ContainerView>();
        const withdrawn = new Set<string>();
        const joining = new Set<string>();
        const cutOff = new Set<string>();
        let touched = new Set<string>();
        const touchId = (id: string): void => {
          for (const [name, record] of records) if (record.id === id) touched.add(name);
        };
        const table = createInstanceTable({
          touched() {
            const taken = touched;
            touched = new Set();
            return taken;
          },
          record: (name) => records.get(name),
          container: (id) => containers.get(id),
          withdrawn,
          joining,
          cutOff,
          networkOf: () => undefined,
        });
        const interest = createNameInterest();
        const toggle = (set: Set<string>, key: string): void => void (set.delete(key) || set.add(key));
        const told = new Map<string, NamedInstance>();
        for (const round of rounds) {
          for (const [turn, { name, host, what, id, number, deployment, network, link, running }] of round.entries()) {
            // who asks for all of them takes nothing from who is told of changes
            if (turn % 2 === 1) table.all();
            const record: ContainerRecord = {
              ...literalRecord(name),
              id: idOf(id),
              host,
              number,
              deployment,
              addresses: { [network]: `10.0.0.${id + 2}` },
              links: link === undefined ? [] : [link],
            };
            if (what === 'write') {
              // a container has one record
              if ([...records].some(([other, { id: its }]) => other !== name && its === record.id)) continue;
              records.set(name, record);
              touched.add(name);
            } else if (what === 'delete') {
              records.delete(name);
              touched.add(name);
            } else if (what === 'container') {
              containers.set(idOf(id), literalView(record, { running }));
              touchId(idOf(id));
            } else if (what === 'gone') {
              containers.delete(idOf(id));
              touchId(idOf(id));
            } else if (what === 'withdraw') {
              toggle(withdrawn, idOf(id));
              touchId(idOf(id));
            } else {
              toggle(running ? joining : cutOff, host);
              for (const [other, { host: on, id: its = '' }] of records)
                if (on === host || containers.get(its)?.host === host) touched.add(other);
            }
          }
          const changes = table.changes();
          const concerned = interest.apply(changes);
          const toldNow = () => [...told.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
          const before = new Map(HOSTS.map((host) => [host, instancesFor(host, toldNow())]));
          for (const one of changes) if (one.before !== undefined) assert.deepEqual(told.get(one.before.name), one.before);
          for (const one of changes) told.delete((one.before ?? one.now)?.name ?? '');
          for (const { now } of changes) if (now !== undefined) told.set(now.name, now);
          const all = instancesOf({ records: [...records.values()], containers: [...containers.values()], withdrawn, joining, cutOff });
          assert.deepEqual(table.all(), all);
          assert.deepEqual(toldNow(), all);
          assert.deepEqual(table.deployments(), [...new Set(all.map((one) => one.deployment))].sort());
          for (const host of HOSTS) {
            const may = instancesFor(host, all);
            assert.deepEqual(interest.of(host), may);
            if (!concerned.has(host)) assert.deepEqual(before.get(host), may, 'a host that is not concerned has nothing new');
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
