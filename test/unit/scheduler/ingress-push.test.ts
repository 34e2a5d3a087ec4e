import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import type { InstanceChange } from '../../../src/contracts/index.ts';
import type { LeaderMessage, NamedInstance } from '../../../src/model/index.ts';
import { createClaimsPush } from '../../../src/scheduler/agents/claims-push.ts';
import { ingressClaims } from '../../../src/scheduler/agents/ingress-push.ts';

const instance = (id: number, service: string, more: Partial<NamedInstance> = {}): NamedInstance => ({
  id: `${id}.${service}.abc`,
  container: `${service}${id}`,
  name: `abc-${service}-${id}`,
  deployment: 'abc',
  service,
  number: id,
  host: `h${id}`,
  addresses: { n: `10.32.0.${id}` },
  aliases: {},
  links: {},
  ports: [],
  state: 'running',
  ready: true,
  ingress: { address: `10.32.0.${id}`, ports: [{ port: 8080, target: 80, protocol: 'tcp' }] },
  ...more,
});

function pushing() {
  const sent: { readonly host: string; readonly message: Extract<LeaderMessage, { type: 'ingress' }> }[] = [];
  const hosts = ['h1', 'h2'];
  const moved = new Map<string, string>();
  const sixth = new Map<string, string>();
  const addressOf = (host: string): string => moved.get(host) ?? `10.9.0.${host.slice(1)}`;
  const push = createClaimsPush(
    {
      hub: {
        hosts: () => hosts,
        send: (host, message) => {
          if (message.type === 'ingress') sent.push({ host, message });
          return Promise.resolve(true);
        },
      },
      addressOf: (host) => ({ at: addressOf(host), at6: sixth.get(host) }),
      addresses: () => [...hosts.map(addressOf), ...sixth.values()],
      log: pino({ level: 'silent' }),
    },
    ingressClaims,
  );
  const change = (...changes: InstanceChange[]) => push.push({ changes, isWhole: false, instances: () => [] });
  const last = () => sent.at(-1)?.message;
  return { sent, push, change, last, hosts, moved, sixth };
}
const came = (now: NamedInstance): InstanceChange => ({ before: undefined, now });
const left = (before: NamedInstance): InstanceChange => ({ before, now: undefined });
const hostsOf = (message: ReturnType<ReturnType<typeof pushing>['last']>) => message?.ports[0]?.instances.map(({ host }) => host);

describe('published ports, as the leader tells them', () => {
  it('tells every host all of it first, then what changes, and nothing while nothing does', async () => {
    const { sent, change, last } = pushing();
    await change(came(instance(1, 'web')));
    assert.deepEqual(
      sent.map(({ host }) => host),
      ['h1', 'h2'],
    );
    assert.deepEqual(last(), {
      type: 'ingress',
      isWhole: true,
      ports: [{ port: 8080, protocol: 'tcp', instances: [{ host: 'h1', at: '10.9.0.1', address: '10.32.0.1', target: 80 }] }],
      hosts: ['10.9.0.1', '10.9.0.2'],
      hosts6: [],
    });
    await change(came(instance(2, 'web')));
    assert.deepEqual([last()?.isWhole, hostsOf(last())], [undefined, ['h1', 'h2']]);
    await change(
      { before: instance(2, 'web'), now: { ...instance(2, 'web'), aliases: { n: ['x'] } } },
      came(instance(3, 'db', { ingress: { address: '10.32.0.3', ports: [] } })),
    );
    assert.equal(sent.length, 4);
    await change(left(instance(1, 'web')), left(instance(2, 'web')));
    assert.deepEqual(last(), { type: 'ingress', ports: [], gone: ['tcp/8080'] });
  });

  it('tells IPv6 addresses of instances and hosts beside the others', async () => {
    const { sixth, change, last } = pushing();
    sixth.set('h2', 'fd09::2');
    const six = (id: number) =>
      instance(id, 'web', { ingress: { ...(instance(id, 'web').ingress ?? assert.fail()), address6: `fd00::${id}` } });
    await change(came(six(1)), came(six(2)));
    assert.deepEqual([last()?.hosts, last()?.hosts6], [['10.9.0.1', '10.9.0.2'], ['fd09::2']]);
    assert.deepEqual(
      last()?.ports[0]?.instances.map(({ at6, address6 }) => [at6, address6]),
      [
        [undefined, 'fd00::1'],
        ['fd09::2', 'fd00::2'],
      ],
    );
  });

  it('tells of each instance whether it wants to be told who called, at ports of TCP', async () => {
    const { change, last } = pushing();
    const ports = (['tcp', 'udp'] as const).map((protocol) => ({ port: 8080, target: 80, protocol }));
    await change(came(instance(1, 'web', { ingress: { address: '10.32.0.1', ports, isProxied: true } })));
    await change(came(instance(2, 'web', { ingress: { address: '10.32.0.2', ports } })));
    assert.deepEqual(
      last()?.ports.map(({ protocol, instances }) => [protocol, ...instances.map((one) => one.isProxied)]),
      [
        ['tcp', true, undefined],
        ['udp', undefined, undefined],
      ],
    );
  });

  it('leads to instances that are ready, and to those that run where none is', async () => {
    const { change, last } = pushing();
    await change(came(instance(1, 'web', { ready: false })), came(instance(2, 'web')));
    assert.deepEqual(hostsOf(last()), ['h2']);
    await change({ before: instance(2, 'web'), now: instance(2, 'web', { state: 'out', ready: false }) });
    assert.deepEqual(hostsOf(last()), ['h1']);
    await change({ before: instance(1, 'web'), now: instance(1, 'web', { state: 'out', ready: false }) });
    assert.deepEqual(hostsOf(last()), []);
  });

  it('a port is one service’s: that of who had it first, until it is gone', async () => {
    const { change, last } = pushing();
    await change(came(instance(2, 'web')), came(instance(1, 'api')));
    assert.deepEqual(hostsOf(last()), ['h2']);
    await change({ before: instance(2, 'web'), now: instance(2, 'web', { ready: false }) });
    assert.deepEqual(hostsOf(last()), ['h2']);
    await change(left(instance(2, 'web', { ready: false })));
    assert.deepEqual(hostsOf(last()), ['h1']);
  });

  it('forgets the container that another replaces under its name, and keeps one that gets another name', async () => {
    const { change, last } = pushing();
    const old = instance(1, 'web');
    await change(came(old));
    await change({ before: old, now: { ...old, container: 'web1-new', host: 'h2' } });
    assert.deepEqual(hostsOf(last()), ['h2']);
    const renamed = instance(3, 'web', { container: 'web1-new', host: 'h1' });
    await change(came(renamed), left({ ...old, container: 'web1-new', host: 'h2' }));
    assert.deepEqual(hostsOf(last()), ['h1']);
  });

  it('a host that comes is sent all of it, and the others its address', async () => {
    const { sent, push, change, hosts } = pushing();
    await change(came(instance(1, 'web')));
    hosts.push('h3');
    push.again('h3');
    const more = sent.slice(2);
    assert.deepEqual([more[0]?.host, more[0]?.message.isWhole, more[0]?.message.hosts?.length], ['h3', true, 3]);
    assert.deepEqual(
      more.slice(1).map(({ host, message }) => [host, message.ports.length, message.hosts?.length]),
      [
        ['h1', 0, 3],
        ['h2', 0, 3],
        ['h3', 0, 3],
      ],
    );
    push.again('h3');
    assert.equal(sent.length, 7);
  });

  it('of a host that comes back with another address, the others get it for its instances too', async () => {
    const { sent, push, change, moved, last } = pushing();
    await change(came(instance(1, 'web')), came(instance(2, 'web')));
    moved.set('h2', '10.9.0.77');
    push.again('h2');
    assert.deepEqual(
      sent.slice(3).map(({ host, message }) => [host, message.isWhole, message.ports[0]?.instances.map(({ at }) => at)]),
      [
        ['h1', undefined, ['10.9.0.1', '10.9.0.77']],
        ['h2', undefined, ['10.9.0.1', '10.9.0.77']],
      ],
    );
    assert.deepEqual(last()?.hosts?.includes('10.9.0.77'), true);
    push.again('h2');
    assert.equal(sent.length, 6);
  });

  it('compares all with what was told, when that may be wrong', async () => {
    const { sent, push, change, last } = pushing();
    await change(came(instance(1, 'web')), came(instance(2, 'web')));
    await push.push({ changes: [], isWhole: true, instances: () => [instance(1, 'web'), instance(2, 'web')] });
    assert.equal(sent.length, 2);
    await push.push({ changes: [], isWhole: true, instances: () => [instance(2, 'web')] });
    assert.deepEqual(hostsOf(last()), ['h2']);
  });

  it('looks at the ports of one host when that comes back, however many there are', async () => {
    let looks = 0;
    const counting = {
      ...ingressClaims,
      entryOf: (...asked: Parameters<typeof ingressClaims.entryOf>) => (looks++, ingressClaims.entryOf(...asked)),
    };
    const hub = { hosts: () => [], send: () => Promise.resolve(true) };
    const addressOf = (host: string) => ({ at: `10.9.0.${host.slice(1)}`, at6: undefined });
    const push = createClaimsPush({ hub, addressOf, addresses: () => [], log: pino({ level: 'silent' }) }, counting);
    const all = Array.from({ length: 1_000 }, (_, id) =>
      instance(id, `web${id}`, { ingress: { address: '10.32.0.1', ports: [{ port: 1_000 + id, target: 80, protocol: 'tcp' }] } }),
    );
    await push.push({ changes: all.map(came), isWhole: false, instances: () => [] });
    looks = 0;
    push.again('h7');
    push.again('none');
    assert.equal(looks, 1);
  });
});
