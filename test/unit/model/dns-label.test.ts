import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { dnsLabel, dnsName, keys } from '../../../src/model/index.ts';

const label = /^[a-z0-9][a-z0-9_-]{0,62}$/;

describe('the DNS label of a name', () => {
  it('is the name, in lower case, where that is one', () => {
    for (const name of ['web', 'my_app-2', 'x'.repeat(63)]) assert.equal(dnsLabel(name), name);
    assert.equal(dnsLabel('MyProject'), 'myproject');
  });
  it('never changes: the catalog and search domains have it', () => {
    assert.equal(dnsLabel('web.api'), 'web-api-bb13duiw8f');
    assert.equal(dnsLabel('x'.repeat(64)), `${'x'.repeat(52)}-9q9j6zn2n9`);
    assert.equal(dnsLabel('_'), 'p8ice47sjy');
  });
  it('is a label, whatever the name; another name has another one', () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }), (name) => label.test(dnsLabel(name))));
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        (a, b) => a.toLowerCase() === b.toLowerCase() || dnsLabel(a) !== dnsLabel(b),
      ),
    );
    const branches = ['feature-1', 'feature-2'].map((end) => `${'long-'.repeat(20)}${end}`);
    assert.equal(new Set(branches.map(dnsLabel)).size, 2);
  });
});

describe('what resolvers are asked for', () => {
  it('is the name as it was typed, where DNS can carry it, and else its label', () => {
    assert.equal(dnsName('Web.Api_v2'), 'web.api_v2');
    for (const name of ['x'.repeat(64), 'a..b', 'a b', 'ab.'.repeat(80)]) assert.equal(dnsName(name), dnsLabel(name));
  });
});

describe('the key of a service', () => {
  it('has two parts, whatever its deployment and itself are called', () => {
    assert.equal(keys.service('abc', 'Web.api_1'), 'arpanet/services/abc/Web.api_1');
    for (const name of ['a/b', 'Web API', 'x'.repeat(500), '~x'])
      assert.match(keys.service(name, name), /^arpanet\/services\/~[a-z0-9_-]+\/~[a-z0-9_-]+$/);
    assert.notEqual(keys.service('a/b', 'c'), keys.service('a', 'b/c'));
  });
});
