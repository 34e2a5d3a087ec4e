import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type ContainerRecord, keys } from '../../../src/model/index.ts';
import { createRecordIndex } from '../../../src/scheduler/view/record-index.ts';
import { createTouchedRecords } from '../../../src/scheduler/view/touched-records.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const NAMES = ['abc_web_1', 'abc_web_2', 'abc_db_1', 'xyz_web_1'];
const IDS = ['1', '2', '3'];

const change = fc.record({
  name: fc.constantFrom(...NAMES),
  what: fc.constantFrom('write', 'delete', 'show'),
  id: fc.option(fc.constantFrom(...IDS), { nil: undefined }),
  host: fc.constantFrom('h1', 'h2'),
  network: fc.constantFrom('n1', 'n2'),
  isUnaddressed: fc.boolean(),
});

describe('the index of container records', () => {
  it('gives after any changes what a look at all of them gives', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const shown = new Set<string>();
        const ledger = new LiteralLedger();
        const index = createRecordIndex((id) => shown.has(id));
        const touched = createTouchedRecords(ledger, index);
        const sorted = (records: readonly ContainerRecord[]) => records.map(({ name }) => name).sort();
        for (const { name, what, id, host, network, isUnaddressed } of changes) {
          const key = keys.container(name);
          if (what === 'delete') ledger.apply([{ kind: 'delete', key }]);
          else if (what === 'write') {
            const { id: _made, ...made } = literalRecord(name, { host, requestId: `r${name}` });
            const at = isUnaddressed ? { addresses: {}, unaddressed: [network] } : { addresses: { [network]: '10.0.0.9' } };
            ledger.apply([{ kind: 'put', key, value: { ...made, ...at, ...(id === undefined ? {} : { id }) } }]);
          } else if (id !== undefined) {
            if (!shown.delete(id)) shown.add(id);
            touched.container(id);
          }
          const all = ledger.list<ContainerRecord>(keys.containers).map(([, record]) => record);
          const like = (holds: (record: ContainerRecord) => boolean) => sorted(all.filter(holds));
          assert.deepEqual(
            sorted(index.unseen()),
            like((one) => one.id === undefined || !shown.has(one.id)),
          );
          assert.deepEqual(
            sorted(index.onHost('h1')),
            like((one) => one.host === 'h1'),
          );
          assert.deepEqual(
            sorted(index.ofDeployment('abc')),
            like((one) => one.deployment === 'abc'),
          );
          assert.deepEqual(
            sorted(index.ofService('abc', 'web')),
            like((one) => one.deployment === 'abc' && one.service === 'web'),
          );
          assert.deepEqual(
            sorted(index.inNetwork('n1')),
            like((one) => one.addresses['n1'] !== undefined || one.unaddressed?.includes('n1') === true),
          );
          assert.equal(index.ofRequest('rabc_db_1')?.name, like((one) => one.requestId === 'rabc_db_1')[0]);
        }
      }),
    );
  });

  it('tells which records something has changed of, once', () => {
    const ledger = new LiteralLedger();
    const web = literalRecord('abc_web_1');
    ledger.apply([{ kind: 'put', key: keys.container(web.name), value: web }]);
    const touched = createTouchedRecords(
      ledger,
      createRecordIndex(() => true),
    );
    assert.deepEqual([...touched.take()], [web.name], 'at first all');
    assert.deepEqual([...touched.take()], []);
    touched.container(web.id);
    assert.deepEqual([...touched.take()], [web.name]);
    touched.host('h1');
    assert.deepEqual([...touched.take()], [web.name]);
    touched.host('h2');
    ledger.apply([{ kind: 'put', key: keys.network('n1'), value: { id: 'n1' } }]);
    assert.deepEqual([...touched.take()], [], 'no instance shows anything of it');
    ledger.apply([{ kind: 'put', key: keys.network('n1'), value: { id: 'n1', ipv6: { cidr: 'fd00::/64', isEnabled: true } } }]);
    assert.deepEqual([...touched.take()], [web.name]);
  });
});
