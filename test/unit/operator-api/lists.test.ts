import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Request } from 'express';
import { ArpanetError, statusOf } from '../../../src/model/index.ts';
import { etagOf, pageOf, refuseStale } from '../../../src/operator-api/lists.ts';

const hosts = ['h3', 'h1', 'h2', 'h4'].map((name) => ({
  name,
  state: name === 'h2' ? 'down' : 'alive',
  labels: { 'com.example.disk': name === 'h4' ? 'hdd' : 'ssd' },
}));
const keyOf = ({ name }: (typeof hosts)[number]) => name;
const names = (query: Readonly<Record<string, unknown>>) => pageOf(hosts, keyOf, query).page.map(keyOf);

describe('a list of the operator API', () => {
  it('is whole and as it was where nothing is asked for', () => {
    assert.deepEqual(names({}), ['h3', 'h1', 'h2', 'h4']);
  });

  it('is cut by keys and continued where it was cut, though rows before or after have gone meanwhile', () => {
    const first = pageOf(hosts, keyOf, { limit: '2' });
    assert.deepEqual(first.page.map(keyOf), ['h1', 'h2']);
    const left = hosts.filter(({ name }) => name !== 'h2');
    const second = pageOf(left, keyOf, { limit: '2', continue: first.next });
    assert.deepEqual([second.page.map(keyOf), second.next], [['h3', 'h4'], undefined]);
    assert.equal(pageOf(hosts, keyOf, { limit: '4' }).next, undefined);
  });

  it('has what all filters say, also of labels with dots', () => {
    assert.deepEqual(names({ filter: 'state=alive' }), ['h3', 'h1', 'h4']);
    assert.deepEqual(names({ filter: ['state=alive', 'labels.com.example.disk=ssd'] }), ['h3', 'h1']);
    assert.deepEqual(names({ filter: 'state=alive', limit: '1' }), ['h1']);
    assert.deepEqual(names({ filter: 'nothing=1' }), []);
    assert.deepEqual(names({ filter: 'toString=1' }), []);
  });

  it('refuses what it cannot read', () => {
    const wrong = [
      { limit: '0' },
      { limit: '1001' },
      { limit: 'x' },
      { limit: ['1', '2'] },
      { filter: 'state' },
      { filter: { a: 'b' } },
      { continue: '%' },
    ];
    for (const query of wrong) assert.throws(() => pageOf(hosts, keyOf, query), { kind: 'invalid' }, JSON.stringify(query));
  });
});

describe('a change with If-Match', () => {
  const asked = (match: string | undefined) => () => refuseStale({ headers: { 'if-match': match } } as unknown as Request, { a: 1 });

  it('is refused with 412 where what was read has changed since, and says what is the ETag now', () => {
    for (const match of [undefined, '*', etagOf({ a: 1 }), `"other", ${etagOf({ a: 1 })}`]) assert.doesNotThrow(asked(match));
    const isStale = (error: unknown) =>
      error instanceof ArpanetError && statusOf(error) === 412 && error.message.includes(etagOf({ a: 1 }));
    for (const match of [etagOf({ a: 2 }), `W/${etagOf({ a: 1 })}`, '']) assert.throws(asked(match), isStale);
  });
});
