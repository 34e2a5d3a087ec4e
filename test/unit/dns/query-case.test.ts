import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mixCase, repeats, withCaseOf } from '../../../src/dns/query-case.ts';

const messageOf = (name: string, questions = 1): Buffer => {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  const head = Buffer.from([0x12, 0x34, 1, 0, 0, questions, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
};
const query = messageOf('www.Example-1.test');

describe('the case of a question', () => {
  it('is as the bits say, of letters alone: lengths, digits and what follows the name stay', () => {
    assert.deepEqual(mixCase(query, Buffer.alloc(query.length)), messageOf('WWW.EXAMPLE-1.TEST'));
    assert.deepEqual(mixCase(query, Buffer.alloc(query.length, 0xff)), messageOf('www.example-1.test'));
    const [long] = ['a'.repeat(63)];
    assert.deepEqual(mixCase(messageOf(`${long}.a`), Buffer.alloc(200)), messageOf(`${long?.toUpperCase()}.A`));
    assert.deepEqual(mixCase(messageOf(''), Buffer.alloc(40, 0xff)).subarray(0, 12), messageOf('').subarray(0, 12));
  });

  it('proves an answer that repeats it', () => {
    const sent = mixCase(query, Buffer.alloc(query.length));
    assert.equal(repeats(sent, sent), 'proven');
    assert.equal(repeats(query, sent), 'unproven');
    assert.equal(repeats(messageOf('WWW.EXAMPLE-1.TEST', 0).subarray(0, 12), sent), 'unproven');
    assert.equal(repeats(messageOf('WWW.EXAMPLE-2.TEST'), sent), 'other');
  });

  it("is the client's again in the answer that it gets", () => {
    const sent = mixCase(query, Buffer.alloc(query.length));
    assert.deepEqual(withCaseOf(Buffer.from(sent), query), query);
    const without = messageOf('x', 0).subarray(0, 12);
    assert.deepEqual(withCaseOf(Buffer.from(without), query), without);
  });
});
