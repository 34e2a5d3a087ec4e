import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NamedInstance, NetworkRecord } from '../../../src/model/index.ts';
import { identify } from '../../../src/scheduler/create/identify.ts';
import { createClaims } from '../../../src/scheduler/agents/claims-push.ts';
import { httpClaims } from '../../../src/scheduler/agents/http-push.ts';
import { refuseTakenNames, unreachedWarnings } from '../../../src/scheduler/networks/http-claims.ts';
import { createHostPool } from '../../../src/scheduler/placement/host-pool.ts';
import type { HostSnapshot } from '../../../src/scheduler/placement/index.ts';
import { createRecordIndex } from '../../../src/scheduler/view/record-index.ts';
import { literalRecord } from '../../support/fakes/literal-containers.ts';
import { hostSnapshot } from '../../support/fakes/literal-placement.ts';

const NAME = { 'arpanet.http': 'shop.example.com/api' };

describe('a name by which HTTP reaches a service', () => {
  it('that cannot be read is refused with what to write', () => {
    const create = (label: string, more = {}) =>
      identify({ name: 'web', request: { Image: 'web', Labels: { 'arpanet.http': label }, ...more }, taken: () => [] });
    assert.throws(() => create('http://shop'), /label arpanet\.http is "http:\/\/shop": it must be like "shop\.example\.com" or/);
    assert.throws(() => create('shop', { HostConfig: { NetworkMode: 'host' } }), /without a network of its own/);
    create('shop.example.com sticky');
  });

  it('is one service’s: another of its deployment is told who has it, also while that one is being created', () => {
    const index = createRecordIndex(() => false);
    index.put('abc_web_1', literalRecord('abc_web_1', { request: { Labels: NAME } }));
    const answering = (...answers: readonly HostSnapshot['answers'][]) => {
      const pool = createHostPool();
      for (const [i, one] of answers.entries())
        pool.put(hostSnapshot(`h${i}`, { answers: one ?? [] }), { strategy: 'spread', nowMs: 1, random: () => 0.5 });
      return { pool: () => pool };
    };
    const refuse = (deployment: string, service: string, labels: Record<string, string>, summaries = answering([], ['http'])) =>
      refuseTakenNames(
        { summaries, recordIndex: index } as unknown as Parameters<typeof refuseTakenNames>[0],
        { deployment, service },
        labels,
      );
    assert.throws(
      () => refuse('xyz', 'web', NAME),
      /HTTP name 'shop\.example\.com\/api' is already in use by a service of another deployment: give this one another/,
    );
    assert.throws(() => refuse('abc', 'api', NAME), /in use by service 'abc\/web'/);
    refuse('abc', 'web', NAME);
    refuse('abc', 'web-canary', { ...NAME, 'arpanet.canary': 'web 10%' });
    refuse('xyz', 'web', { 'arpanet.http': 'shop.example.com/api2,other.example.com' });
    assert.throws(() => refuse('abc', 'web', NAME, answering([], [])), /install haproxy on a host, and let its agent run with --http 80/);
    index.put('abc_web_1', undefined);
    refuse('xyz', 'web', NAME);
  });
});

describe('a container that no host passes calls on to', () => {
  it('gets a warning, as it may be connected to another network yet', () => {
    const network = (more: Partial<NetworkRecord>) => ({ record: { name: 'back', ...more } as NetworkRecord });
    const said = (label: Record<string, string>, ...networks: { record: NetworkRecord }[]) => unreachedWarnings(label, networks);
    for (const one of [network({ internal: true }), network({ driver: 'macvlan' })])
      assert.match(said(NAME, one)[0] ?? '', /^label arpanet\.http: hosts pass no calls on to containers on back \(internal/);
    assert.deepEqual(said(NAME, network({ internal: true }), network({})), []);
    assert.deepEqual([said({}, network({ internal: true })), said(NAME)], [[], []]);
  });
});

describe('the instances behind a name', () => {
  const instance = (id: number, more: Partial<NamedInstance> = {}, http = {}): NamedInstance => ({
    id: `${id}.web.abc`,
    container: `c${id}`,
    name: `abc-web-${id}`,
    deployment: 'abc',
    service: 'web',
    number: id,
    host: `h${id}`,
    addresses: {},
    aliases: {},
    links: {},
    ports: [],
    state: 'running',
    ready: true,
    http: { sites: ['shop/'], address: `10.32.0.${id}`, port: 80, ...http },
    ...more,
  });
  const siteOf = (...instances: NamedInstance[]) => {
    const claims = createClaims(httpClaims);
    claims.replace(instances);
    return claims.of('shop/', (host) => ({ at: `10.9.0.${host.slice(1)}`, at6: undefined }));
  };
  const canary = { canary: { of: 'web', share: 0.1 } };
  const weights = (...instances: NamedInstance[]) =>
    Object.fromEntries(siteOf(...instances)?.instances.map((one) => [one.container, one.weight]) ?? []);

  it('are those that are ready, with where they are called', () => {
    assert.deepEqual(siteOf(instance(1, {}, { isH2c: true, isSticky: true }), instance(2, { ready: false })), {
      site: 'shop/',
      isSticky: true,
      instances: [{ container: 'c1', host: 'h1', at: '10.9.0.1', address: '10.32.0.1', port: 80, isH2c: true, weight: 256 }],
    });
    assert.deepEqual(siteOf(instance(1, { state: 'out', ready: false }))?.instances, []);
    assert.equal(siteOf(instance(1, {}, { sites: [] })), undefined);
  });

  it('are of who asked first', () => {
    assert.deepEqual(Object.keys(weights(instance(1), instance(2, { deployment: 'xyz' }))), ['c1']);
  });

  it('share with a canary that is ready, and have all without one', () => {
    const base = [instance(1), instance(2), instance(3)];
    const ofCanary = (more: Partial<NamedInstance> = {}) => instance(4, { service: 'web-canary', ...more }, canary);
    assert.deepEqual(weights(...base, ofCanary()), { c1: 256, c2: 256, c3: 256, c4: 85 });
    assert.deepEqual(weights(...base, ofCanary({ ready: false })), { c1: 256, c2: 256, c3: 256 });
    assert.deepEqual(weights(ofCanary()), { c4: 256 });
  });
});
