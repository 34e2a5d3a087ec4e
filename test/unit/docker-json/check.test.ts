/** Values that are kept, held against Docker's types and those of records. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkValue, compileGoTypes } from '../../../src/docker-json/index.ts';

const types = compileGoTypes({
  'record.Kept': { aliases: 'map[string][]string', config: 'docker.Config' },
  'docker.Config': { Ports: 'map[string][]string' },
});
const problemOf = (value: unknown) =>
  checkValue(value, types.get('record.Kept') ?? assert.fail(), (struct) => struct.startsWith('record.'));

describe('a value that is kept', () => {
  it('may have a null list in a map of Docker’s, as {"80/tcp": null} is one', () => {
    assert.equal(problemOf({ aliases: {}, config: { Ports: { '80/tcp': null } } }), undefined);
  });

  it('has no null list in a map of its own, and none that is something else', () => {
    assert.equal(problemOf({ aliases: { n1: null }, config: {} }), 'aliases.n1: is null and not []string');
    assert.equal(problemOf({ aliases: {}, config: { Ports: { '80/tcp': 5 } } }), 'config.Ports.80/tcp: is a number and not []string');
  });
});
