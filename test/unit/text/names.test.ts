import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isContainerName, isHostName, withoutSlash } from '../../../src/text/names.ts';

describe('the name of a container', () => {
  it('is two letters or more of those that Engines take, with or without a slash', () => {
    for (const name of ['ab', '/abc_web-1', 'a.b', '9_']) assert.ok(isContainerName(name), name);
    for (const name of ['', '/', 'a', '-ab', '_ab', '//ab', 'a b', 'a/b', 'ä1']) assert.ok(!isContainerName(name), name);
    assert.deepEqual(['/web', 'web', '//web', ''].map(withoutSlash), ['web', 'web', '/web', '']);
  });
});

describe('the name of a host', () => {
  it('is one label of a DNS name in lower case', () => {
    for (const name of ['a', '9', 'node-1', 'a'.repeat(63)]) assert.ok(isHostName(name), name);
    for (const name of ['', 'Node-A', 'node.a', 'node_a', '-a', 'a-', 'a'.repeat(64), 'a b']) assert.ok(!isHostName(name), name);
  });
});
