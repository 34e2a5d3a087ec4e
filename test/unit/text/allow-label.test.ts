import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allows, parseAllowFrom } from '../../../src/text/allow-label.ts';

describe('the label that says who may call', () => {
  it('names services of other deployments, all of one, and ports', () => {
    assert.deepEqual(parseAllowFrom('xyz/web:80, mon/*:9100/udp,ops/*'), [
      { deployment: 'xyz', service: 'web', port: 80 },
      { deployment: 'mon', port: 9100, protocol: 'udp' },
      { deployment: 'ops' },
    ]);
    assert.deepEqual(parseAllowFrom('none'), []);
  });

  for (const text of ['', 'xyz', 'xyz/web:0', 'xyz/web:65536', 'xyz/web:80/sctp', 'xyz/we b', '*/web', 'xyz/web:80,'])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseAllowFrom(text), undefined));

  it('lets in whom it names', () => {
    const rules = parseAllowFrom('xyz/web:80,ops/*') ?? [];
    const may = (deployment: string, service: string, port?: number) => allows(rules, { deployment, service }, port);
    assert.deepEqual(
      [may('xyz', 'web'), may('xyz', 'web', 80), may('xyz', 'web', 81), may('xyz', 'api'), may('ops', 'any', 1)],
      [true, true, false, false, true],
    );
  });
});
