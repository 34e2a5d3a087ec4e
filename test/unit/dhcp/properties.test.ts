/** Whatever is asked of dhcp, in whatever order: what must always hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createDhcp } from '../../../src/dhcp/index.ts';
import { ArpanetError, isKind, keys, type LeaseRecord, type NetworkRecord } from '../../../src/model/index.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';
import { overlaps, parseSubnet } from '../../../src/text/ipv4.ts';

const REST_MS = 1000;
const PLAIN = { name: 'n', deployment: 'd', labels: {}, options: {}, internal: false, attachable: false, implicit: true, routes: [] };

/** What a history is made of. `fails` is a plan whose commit is taken back. */
type Step =
  | { readonly do: 'network'; readonly prefix: number; readonly fails: boolean }
  | { readonly do: 'remove' | 'gateway' | 'gateway-release' | 'elect' | 'sweep'; readonly pick: number }
  | { readonly do: 'offer' | 'bind' | 'release'; readonly pick: number; readonly fails: boolean }
  | { readonly do: 'wait'; readonly ms: number };

const fails = fc.integer({ min: 0, max: 5 }).map((n) => n === 0);
const pick = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('network' as const), prefix: fc.integer({ min: 27, max: 30 }), fails }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('remove', 'elect', 'sweep', 'gateway-release'), pick }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('gateway' as const), pick }) },
  { weight: 20, arbitrary: fc.record({ do: fc.constantFrom('offer', 'offer', 'offer', 'bind', 'bind', 'release'), pick, fails }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(2 * REST_MS) }) },
);

/** Runs a history and gives every lease's life: when it was given, to whom, when it was given back. */
function run(history: readonly Step[]): void {
  const ledger = new LiteralLedger();
  let nowMs = 1;
  let made = 0;
  let epoch = 1;
  const elect = () =>
    createDhcp({
      ledger,
      pool: '10.32.0.0/24',
      defaultPrefix: 28,
      restMs: REST_MS,
      epoch,
      now: () => nowMs,
      newId: () => `n${++made}`,
    });
  let dhcp = elect();
  const releasedAt = new Map<string, number>();
  const capacity = (network: string) => {
    const { prefix = 0 } = parseSubnet(ledger.get<NetworkRecord>(keys.network(network))?.cidr ?? '') ?? {};
    return 2 ** (32 - prefix) - 2;
  };
  const networks = () => ledger.list<NetworkRecord>(keys.networks).map(([, record]) => record);
  const leases = () => ledger.list<LeaseRecord>(keys.leases).map(([, record]) => record);

  const act = (todo: Step): void => {
    const among = <T>(all: readonly T[]): T | undefined => ('pick' in todo ? all[todo.pick % Math.max(1, all.length)] : undefined);
    if (todo.do === 'wait') nowMs += todo.ms;
    else if (todo.do === 'sweep') ledger.apply(dhcp.leases.sweep());
    else if (todo.do === 'elect') {
      epoch++;
      dhcp = elect();
    } else if (todo.do === 'network') {
      const { changes } = dhcp.networks.plan({
        ...PLAIN,
        size: `/${todo.prefix}`,
        createdAtMs: nowMs,
      });
      if (!todo.fails) ledger.apply(changes);
    } else if (todo.do === 'bind' || todo.do === 'release') {
      const lease = among(leases().filter((l) => l.kind === 'instance' && l.state !== 'resting'));
      if (lease === undefined || todo.fails) return;
      if (todo.do === 'release' && lease.state === 'bound') releasedAt.set(`${lease.network} ${lease.ip}`, nowMs);
      ledger.apply(
        todo.do === 'bind' ? dhcp.leases.planBind(lease.network, lease.ip) : dhcp.leases.planRelease(lease.network, lease.ip, lease.owner),
      );
    } else {
      const network = among(networks())?.id;
      if (network === undefined) return;
      if (todo.do === 'remove') ledger.apply(dhcp.networks.planRemoval(network));
      else if (todo.do === 'gateway-release') ledger.apply(dhcp.leases.planGatewayRelease(network, 'h0'));
      else if (todo.do === 'gateway') ledger.apply(dhcp.leases.planGateway(network, `h${todo.pick % 4}`).changes);
      else {
        const { ip, changes } = dhcp.leases.planOffer(network, { owner: `c${++made}`, host: 'h0' });
        const before = releasedAt.get(`${network} ${ip}`);
        const isLast = ledger.list(keys.leasesOf(network)).length === capacity(network);
        assert.ok(
          before === undefined || before + REST_MS <= nowMs || isLast,
          `${ip} was reused ${nowMs - (before ?? 0)} ms after it was given back, and others are free`,
        );
        assert.ok(['resting', undefined].includes(ledger.get<LeaseRecord>(keys.lease(network, ip))?.state), `${ip} is leased already`);
        if ('fails' in todo && todo.fails) return;
        ledger.apply(changes);
        releasedAt.delete(`${network} ${ip}`);
      }
    }
  };

  for (const todo of history) {
    try {
      act(todo);
    } catch (error) {
      if (!isKind(error, 'exhausted')) throw error;
    }
    check(networks(), leases(), ledger);
  }
}

function check(networks: readonly NetworkRecord[], leases: readonly LeaseRecord[], ledger: LiteralLedger): void {
  const spans = networks.map((record) => parseSubnet(record.cidr) ?? assert.fail(record.cidr));
  for (const [i, a] of spans.entries())
    for (const b of spans.slice(i + 1)) assert.ok(!overlaps(a, b), `${a.cidr} and ${b.cidr} are both owned and overlap`);
  assert.equal(new Set(networks.map((record) => record.vni)).size, networks.length, 'a VXLAN id has one network');
  for (const record of networks) assert.equal(ledger.get<{ network: string }>(keys.subnet(record.cidr))?.network, record.id);
  assert.equal(ledger.list(keys.subnets).length, networks.length, 'subnets return with their networks');
  for (const lease of leases)
    assert.ok(
      networks.some((record) => record.id === lease.network),
      'leases go with their networks',
    );
  const gateways = leases.filter((lease) => lease.kind === 'gateway').map((lease) => `${lease.network} ${lease.owner}`);
  assert.equal(new Set(gateways).size, gateways.length, 'a host has one gateway in a network');
}

describe('in any history of offers, releases, removals, elections and failed commits', () => {
  it('an address is never leased twice, a subnet has one owner, and what was given back rests', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), run), { numRuns: 200 });
  });
});

describe('every usable address of a subnet', () => {
  it('can be leased, whatever mix of hosts and instances asks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 25, max: 30 }), fc.array(fc.boolean(), { minLength: 130, maxLength: 130 }), (prefix, isGateway) => {
        const ledger = new LiteralLedger();
        const dhcp = createDhcp({
          ledger,
          pool: '10.32.0.0/24',
          defaultPrefix: prefix,
          restMs: 1,
          epoch: 1,
          now: () => 1,
          newId: () => 'n',
        });
        const plan = dhcp.networks.plan({ ...PLAIN, createdAtMs: 1 });
        ledger.apply(plan.changes);
        const given = new Set<string>();
        const usable = 2 ** (32 - prefix) - 3; // all but the gateway
        for (const [i, gateway] of isGateway.slice(0, usable).entries()) {
          const { ip, changes } = gateway
            ? dhcp.leases.planGateway('n', `h${i}`)
            : dhcp.leases.planOffer('n', { owner: `c${i}`, host: 'h' });
          ledger.apply(changes);
          given.add(ip);
        }
        assert.equal(given.size, usable);
        assert.throws(
          () => dhcp.leases.planOffer('n', { owner: 'more', host: 'h' }),
          (error) => error instanceof ArpanetError && error.kind === 'exhausted',
        );
      }),
      { numRuns: 60 },
    );
  });
});
