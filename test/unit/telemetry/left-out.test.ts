/** The fence around the entries of lists: a bad one costs itself, is logged once, and is named until it is well or gone. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { each, fenced, forgetLeftOut, leftOutNow, leftOutTotal, logLeftOut } from '../../../src/telemetry/left-out.ts';

interface One {
  readonly name: string;
  readonly value: number | undefined;
}
const LIST = { kind: 'thing', of: 'the list of things' };
const nameOf = ({ name }: One): string => name;
const read = ({ value }: One): number => {
  if (value === undefined) throw new Error('no value');
  return value;
};
const things: readonly One[] = [
  { name: 'a', value: 1 },
  { name: 'b', value: undefined },
  { name: 'c', value: 3 },
];

describe('an entry that cannot be handled', () => {
  const logged: string[] = [];
  beforeEach(() => {
    forgetLeftOut();
    logged.length = 0;
    logLeftOut({ error: (_details: unknown, message?: string) => void logged.push(message ?? '') });
  });

  it('is left out alone, logged once and counted each time', () => {
    const before = leftOutTotal();
    for (let pass = 0; pass < 3; pass++) assert.deepEqual(each(LIST, things, nameOf, read), [1, 3]);
    assert.deepEqual(leftOutNow(), [{ ...LIST, name: 'b', why: 'no value' }]);
    assert.deepEqual(logged, ['the thing b cannot be handled and is left out of the list of things']);
    assert.equal(leftOutTotal() - before, 3);
  });

  it('is named no more once it is well, or gone', () => {
    each(LIST, things, nameOf, read);
    each({ ...LIST, of: 'another list' }, things, nameOf, read);
    each(LIST, [{ name: 'b', value: 2 }], nameOf, read);
    assert.deepEqual(
      leftOutNow().map(({ of }) => of),
      ['another list'],
    );
    each({ ...LIST, of: 'another list' }, [], nameOf, read);
    assert.deepEqual(leftOutNow(), []);
  });

  it('may be nothing at all', () => {
    const odd = [null, 5, ...things] as readonly One[];
    assert.deepEqual(
      each(LIST, odd, ({ name }) => name.trim(), read),
      [1, 3],
    );
    assert.deepEqual(
      leftOutNow().map(({ name }) => name),
      ['without a name', 'b'],
    );
  });

  it('costs nothing of what its neighbours give, however many; what the request is at fault for is thrown on', () => {
    const twice = function* (one: One): Generator<number> {
      yield read(one);
      yield read(one);
    };
    assert.deepEqual([...fenced(LIST, things, nameOf, twice)], [1, 1, 3, 3]);
    const passOn = (error: unknown): boolean => error instanceof Error && error.message === 'no value';
    assert.throws(() => each({ ...LIST, passOn }, things, nameOf, read), /no value/);
  });
});
