/** A dhcp over a ledger in memory, with a clock that tests set. */
import assert from 'node:assert/strict';
import type { Allocator, NetworkRequest } from '../../../src/contracts/index.ts';
import { createDhcp } from '../../../src/dhcp/index.ts';
import { isKind, keys } from '../../../src/model/index.ts';
import { LiteralLedger } from './literal-ledger.ts';

export const REST_MS = 60_000;
export const PLAIN = {
  name: 'abc_default',
  deployment: 'abc',
  labels: {},
  options: {},
  internal: false,
  attachable: false,
  implicit: true,
  routes: [],
};

interface World {
  readonly ledger: LiteralLedger;
  readonly dhcp: Allocator;
  readonly clock: { ms: number };
  readonly routes: string[];
  network(wish?: Partial<NetworkRequest>): string;
  offer(network: string, owner: string, wanted?: string): string;
  bind(network: string, ip: string): void;
  release(network: string, ip: string, owner: string): void;
  gateway(network: string, host: string): string;
}

export function world(options: { pool?: string; ledger?: LiteralLedger; epoch?: number; atMs?: number } = {}): World {
  const ledger = options.ledger ?? new LiteralLedger();
  const clock = { ms: options.atMs ?? 1000 };
  const routes: string[] = [];
  let made = ledger.entries.size;
  const dhcp = createDhcp({
    ledger,
    pool: options.pool ?? '10.32.0.0/12',
    defaultPrefix: 22,
    restMs: REST_MS,
    epoch: options.epoch ?? 1,
    now: () => clock.ms,
    newId: () => `net${++made}`,
  });
  return {
    ledger,
    dhcp,
    clock,
    routes,
    network(wish = {}) {
      const plan = dhcp.networks.plan({
        ...PLAIN,
        createdAtMs: clock.ms++,
        routes,
        ...wish,
      });
      ledger.apply(plan.changes);
      return plan.record.id;
    },
    offer(network, owner, wanted) {
      const { ip, changes } = dhcp.leases.planOffer(network, { owner, host: 'h1', wanted });
      ledger.apply(changes);
      return ip;
    },
    bind: (network, ip) => ledger.apply(dhcp.leases.planBind(network, ip)),
    release: (network, ip, owner) => ledger.apply(dhcp.leases.planRelease(network, ip, owner)),
    gateway(network, host) {
      const { ip, changes } = dhcp.leases.planGateway(network, host);
      ledger.apply(changes);
      return ip;
    },
  };
}

/** The subnet of a network. */
export function cidrOf(w: World, network: string): string | undefined {
  return w.ledger.get<{ cidr: string }>(keys.network(network))?.cidr;
}

/** The act is refused with this kind of error, and a message that matches. */
export function refusal(act: () => unknown, kind: Parameters<typeof isKind>[1], words: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(isKind(error, kind), `${String(error)} is no ${kind}`);
    assert.match((error as Error).message, words);
    return true;
  });
}
