/** The registrar against a real Consul: what `dig` and the catalog say is what can be answered, no more and no less. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { type ContainerRecord, keys, type OutsideName } from '../../../src/model/index.ts';
import { instancesOf, type NamedHost, type Registrar, startRegistrar } from '../../../src/registrar/index.ts';
import { type Catalog, type Lock, openCatalog, openConsul, type StateStore } from '../../../src/store/index.ts';
import { startConsul } from '../../support/servers/consul.ts';
import { sourceOf } from '../../support/fakes/literal-names.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';

const log = pino({ level: 'silent' });
const over = new AbortController();

/** Two hosts with three instances of pricing and one web in abc, and a pricing of xyz. */
const RECORDS = [
  literalRecord('abc_pricing_1', { host: 'h1', addresses: { n1: '10.32.0.64' }, aliases: { n1: ['price'] } }),
  literalRecord('abc_pricing_2', { host: 'h2', addresses: { n1: '10.32.0.65' }, aliases: { n1: ['price'] } }),
  literalRecord('abc_pricing_3', { host: 'h2', addresses: { n1: '10.32.0.66' } }),
  literalRecord('abc_web_1', { host: 'h1', addresses: { n1: '10.32.0.67' } }),
  literalRecord('xyz_pricing_1', { host: 'h1', addresses: { n2: '10.32.4.64' } }),
];
const ALIVE: readonly NamedHost[] = [
  { name: 'h1', address: '192.0.2.1', state: 'alive' },
  { name: 'h2', address: '192.0.2.2', state: 'alive' },
];

describe('names in a real Consul', () => {
  let consul: Awaited<ReturnType<typeof startConsul>>;
  let store: StateStore;
  let catalog: Catalog;
  let lock: Lock;
  let registrar: Registrar;
  let records: readonly ContainerRecord[] = RECORDS;
  let hosts = ALIVE;
  let outside: readonly OutsideName[] = [];
  const withdrawn = new Set<string>();
  const exited = new Set<string>();

  function start(): Registrar {
    const containers = () =>
      records.map((record) =>
        literalView(record, {
          hostState: hosts.find(({ name }) => name === record.host)?.state ?? 'down',
          running: !exited.has(record.name),
          ports: ['80/tcp'],
        }),
      );
    return startRegistrar(
      {
        instances: sourceOf(() => instancesOf({ records, containers: containers(), withdrawn, joining: new Set() })),
        outside: () => outside,
        hosts: () => hosts,
        host: (name) => hosts.find((host) => host.name === name),
        touchedHosts: () => ['h1', 'h2', 'h3'],
        push: async () => {},
        catalog: {
          list: (prefix, only) => catalog.list(prefix, only),
          nodes: (prefix) => catalog.nodes(prefix),
          changeIndex: () => catalog.changeIndex(),
          apply: (changes) => catalog.apply(changes, lock.fence),
        },
        epoch: 1,
        now: Date.now,
        log,
        onChange: () => {},
      },
      over.signal,
    );
  }

  before(async () => {
    consul = await startConsul();
    store = await openConsul(consul.http, { log });
    catalog = openCatalog(consul.http, { log });
    lock = await store.lock(keys.leader, {}, { ttlMs: 60_000, name: 'test' }, over.signal);
    registrar = start();
    await registrar.flush();
  });
  after(async () => {
    over.abort();
    await lock?.release();
    catalog?.[Symbol.dispose]();
    await store?.[Symbol.asyncDispose]();
    await consul?.stop();
  });

  /** By TCP: over UDP Consul gives three addresses at most. */
  async function dig(name: string, type = 'A'): Promise<readonly string[]> {
    const args = ['@127.0.0.1', '-p', String(consul.dns), '+tcp', '+short', '+tries=3', '+time=10', `${name}.service.consul`, type];
    const { stdout } = await promisify(execFile)('dig', args);
    return stdout.split('\n').filter(Boolean).sort();
  }
  async function get<T>(path: string): Promise<T> {
    return (await (await fetch(`http://${consul.http}/v1${path}`)).json()) as T;
  }
  async function idsOf(service: string): Promise<readonly string[]> {
    const found = await get<{ ServiceID: string }[]>(`/catalog/service/${service}`);
    return found.map(({ ServiceID }) => ServiceID).sort();
  }

  it('are those of the instances that run, by every name they have', async () => {
    const pricing = ['10.32.0.64', '10.32.0.65', '10.32.0.66'];
    assert.deepEqual(await dig('pricing.abc'), pricing);
    assert.deepEqual(await dig('PRICING.abc'), pricing);
    assert.deepEqual(await dig('2.pricing.abc'), ['10.32.0.65']);
    assert.deepEqual(await dig('abc_pricing_3.abc'), ['10.32.0.66']);
    assert.deepEqual(await dig('price.abc'), ['10.32.0.64', '10.32.0.65']);
    assert.deepEqual(await dig('abc'), [...pricing, '10.32.0.67'], 'the whole deployment');
    assert.deepEqual(await dig('pricing.xyz'), ['10.32.4.64'], 'no deployment sees another’s');
    assert.deepEqual(await dig('web.xyz'), []);
    assert.equal((await dig('web.abc', 'SRV'))[0]?.split(' ')[2], '80');
  });

  it('stand in the catalog under the service’s own name, on nodes that are no real agents', async () => {
    assert.deepEqual(await idsOf('pricing.abc'), ['1.pricing.abc', '2.pricing.abc', '3.pricing.abc']);
    const [first] =
      await get<{ Node: string; Address: string; ServiceAddress: string; ServiceMeta: Record<string, string> }[]>(
        '/catalog/service/pricing.xyz',
      );
    assert.deepEqual([first?.Node, first?.Address, first?.ServiceAddress], ['arpanet-h1', '192.0.2.1', '10.32.4.64']);
    assert.equal(first?.ServiceMeta['container'], RECORDS[4]?.id);
  });

  it('leave before their instance is stopped, and when it died', async () => {
    withdrawn.add(RECORDS[1]?.id ?? '');
    await registrar.flush();
    assert.deepEqual(await dig('pricing.abc'), ['10.32.0.64', '10.32.0.66']);
    exited.add('abc_pricing_3');
    await registrar.flush();
    assert.deepEqual(await dig('pricing.abc'), ['10.32.0.64']);
    withdrawn.clear();
    exited.clear();
    await registrar.flush();
    assert.equal((await dig('pricing.abc')).length, 3);
  });

  it('leave all at once with their host, and come back with it', async () => {
    hosts = ALIVE.map((host) => (host.name === 'h2' ? { ...host, state: 'down' } : host));
    await registrar.flush();
    assert.deepEqual(await dig('pricing.abc'), ['10.32.0.64']);
    const nodes = await get<{ Node: string }[]>('/catalog/nodes');
    assert.ok(!nodes.some(({ Node }) => Node === 'arpanet-h2'));
    hosts = ALIVE;
    await registrar.flush();
    assert.equal((await dig('pricing.abc')).length, 3);
  });

  it('are repaired by the next leader, whatever was removed, forged or left over', async () => {
    const put = (path: string, body: object) => fetch(`http://${consul.http}/v1${path}`, { method: 'PUT', body: JSON.stringify(body) });
    await put('/catalog/deregister', { Node: 'arpanet-h2' });
    await put('/catalog/register', {
      Node: 'arpanet-h1',
      SkipNodeUpdate: true,
      Service: { ID: '1.pricing.abc.dns', Service: 'abc', Tags: ['pricing'], Address: '10.9.9.9' },
    });
    await put('/catalog/register', {
      Node: 'arpanet-h9',
      Address: '192.0.2.9',
      Service: { ID: '9.pricing.abc.dns', Service: 'abc', Tags: ['pricing'], Address: '10.8.8.8' },
    });
    assert.deepEqual(await dig('pricing.abc'), ['10.8.8.8', '10.9.9.9']);
    await start().flush();
    assert.deepEqual(await dig('pricing.abc'), ['10.32.0.64', '10.32.0.65', '10.32.0.66']);
    assert.deepEqual(await dig('price.abc'), ['10.32.0.64', '10.32.0.65']);
    assert.deepEqual((await idsOf('abc')).length, 4);
  });

  it('made by hand are there as far as Consul can say them, and go again', async () => {
    outside = [
      {
        name: 'outside.abc',
        entries: [
          { type: 'A', value: '192.0.2.7' },
          { type: 'TXT', value: 'x' },
        ],
      },
      { name: 'six.abc', entries: [{ type: 'AAAA', value: '2001:db8::7' }] },
      { name: 'api.abc', entries: [{ type: 'CNAME', value: 'api.example.com' }] },
      { name: 'pg.abc', entries: [{ type: 'SRV', value: '1 1 5432 db.example.com' }] },
    ];
    await registrar.flush();
    assert.deepEqual(await dig('outside.abc'), ['192.0.2.7']);
    assert.deepEqual(await dig('six.abc', 'AAAA'), ['2001:db8::7']);
    assert.deepEqual(await dig('api.abc', 'CNAME'), ['api.example.com.']);
    assert.deepEqual(await dig('pg.abc', 'SRV'), ['1 1 5432 db.example.com.']);
    assert.deepEqual(await idsOf('outside.abc'), ['outside.abc/A/192.0.2.7']);
    assert.deepEqual(await registrar.catalogDrift(), []);
    outside = [];
    await registrar.flush();
    assert.deepEqual(await dig('outside.abc'), []);
    assert.ok(!(await get<{ Node: string }[]>('/catalog/nodes')).some(({ Node }) => Node === 'arpanet--outside'));
  });

  it('come in hundreds', async () => {
    const many = Array.from({ length: 150 }, (_, i) =>
      literalRecord(`many_web_${i + 1}`, { host: i % 2 === 0 ? 'h1' : 'h2', addresses: { n3: `10.32.8.${i + 1}` } }),
    );
    records = [...RECORDS, ...many];
    const fresh = start();
    await fresh.flush();
    assert.equal((await idsOf('web.many')).length, 150);
    assert.equal((await idsOf('many')).length, 150);
    records = RECORDS;
    await fresh.flush();
    assert.equal((await idsOf('many')).length, 0);
    assert.equal((await dig('pricing.abc')).length, 3);
  });

  it('are no longer ours to change once the lock is lost', async () => {
    const late = start();
    await late.flush();
    await lock.release();
    records = [];
    await late.flush();
    assert.equal((await idsOf('pricing.abc')).length, 3);
  });
});
