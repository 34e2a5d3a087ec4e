import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerView, NetworkRecord } from '../../../src/model/index.ts';
import { type ContainerIndex, resolveContainer, resolveNetwork } from '../../../src/scheduler/view/resolve-container.ts';

const container = (id: string, name: string, host: string, managed = true, links: Readonly<Record<string, string>> = {}): ContainerView => {
  const record = { name, request: {}, links: Object.entries(links).map(([alias, target]) => ({ alias, target })) };
  return { id, name, host, record: managed ? record : undefined } as unknown as ContainerView;
};

function indexOf(...containers: readonly ContainerView[]): ContainerIndex {
  return {
    byId: (id) => containers.find((one) => one.id === id),
    named: (name) => containers.filter((one) => one.name === name),
    idsWith: (prefix) => containers.flatMap(({ id }) => (id.startsWith(prefix) ? [id] : [])),
  };
}

describe('a reference to a container', () => {
  const web = container('abc123', 'web', 'h1');
  const db = container('abd456', 'db', 'h2');
  const abc = container('ffff00', 'abc', 'h2');
  const index = indexOf(web, db, abc);
  for (const [reference, id] of [
    ['abc123', 'abc123'],
    ['web', 'abc123'],
    ['/web', 'abc123'],
    ['h1/web', 'abc123'],
    ['/h1/web', 'abc123'],
    ['abd', 'abd456'],
    ['abc', 'ffff00'],
  ] as const) {
    it(`${reference} means ${id}`, () => assert.equal(resolveContainer(reference, index).id, id));
  }
  it('a link is a name of what it leads to', () => {
    const linked = indexOf(db, container('1', 'shop', 'h1', true, { store: 'db', lost: 'gone' }));
    assert.equal(resolveContainer('/shop/store', linked).id, 'abd456');
    assert.equal(resolveContainer('shop/store', linked).id, 'abd456');
    for (const other of ['shop/lost', 'shop/db', 'db/store']) assert.throws(() => resolveContainer(other, linked), { kind: 'not-found' });
  });
  it("is unknown in Docker's words", () => {
    assert.throws(() => resolveContainer('nosuch', index), { kind: 'not-found', message: 'No such container: nosuch' });
    assert.throws(() => resolveContainer('h2/web', index), { kind: 'not-found', message: 'No such container: h2/web' });
    assert.throws(() => resolveContainer('', index), { kind: 'not-found' });
  });
  it('is the id that a client was given before it was made again elsewhere, whole or its unique prefix', () => {
    const again = {
      ...index,
      formerIds: new Map([
        ['0123aa', 'abc123'],
        ['0123bb', 'abd456'],
      ]),
    };
    assert.equal(resolveContainer('0123aa', again).id, 'abc123');
    assert.equal(resolveContainer('0123b', again).id, 'abd456');
    assert.throws(() => resolveContainer('0123', again), { kind: 'not-found' });
  });
  it('is refused when it is the prefix of several ids', () => {
    assert.throws(() => resolveContainer('ab', index), { kind: 'invalid', message: 'multiple IDs found with provided prefix: ab' });
  });
  it('prefers ours to strangers of the same name, and asks which of two strangers', () => {
    const ours = container('1', 'x', 'h1');
    const [s1, s2] = [container('2', 'x', 'h2', false), container('3', 'x', 'h3', false)];
    assert.equal(resolveContainer('x', indexOf(s1, ours)).id, '1');
    assert.throws(() => resolveContainer('x', indexOf(s1, s2)), { kind: 'invalid', message: /h2\/x, h3\/x/ });
    assert.equal(resolveContainer('h3/x', indexOf(s1, s2)).id, '3');
  });
});

describe('a reference to a network', () => {
  const networks = [
    { id: 'aaa1', name: 'front' },
    { id: 'aaa2', name: 'back' },
  ] as unknown as NetworkRecord[];
  it('is an id, a name, or a prefix', () => {
    assert.equal(resolveNetwork('aaa1', networks).name, 'front');
    assert.equal(resolveNetwork('back', networks).id, 'aaa2');
    assert.throws(() => resolveNetwork('aaa', networks), {
      kind: 'invalid',
      message: 'network aaa is ambiguous (2 matches found on ID prefix)',
    });
    assert.throws(() => resolveNetwork('nosuch', networks), { kind: 'not-found', message: 'network nosuch not found' });
  });
});
