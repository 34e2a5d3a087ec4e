/** Fixed addresses of services whose count is held, while none of their containers exists. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCore } from '../../../src/services/core.ts';
import type { ServicesDeps } from '../../../src/services/deps.ts';
import { newRecord } from '../../../src/services/service-record.ts';
import { planAskedOf } from '../../../src/scheduler/networks/networks.ts';
import type { SchedulerDeps } from '../../../src/scheduler/deps.ts';
import { world } from '../../support/fakes/dhcp-world.ts';

const id = { deployment: 'abc', service: 'db' };
const on = (networks: Readonly<Record<string, string>>) => ({
  NetworkingConfig: {
    EndpointsConfig: Object.fromEntries(
      Object.entries(networks).map(([name, IPv4Address]) => [name, { IPAMConfig: { IPv4Address } }] as const),
    ),
  },
});

describe('a service with fixed addresses', () => {
  it('is left its addresses from the moment that it is known, in every network of its template', async () => {
    const w = world();
    const [front, back] = [w.network({ name: 'front' }), w.network({ name: 'back' })];
    const schedulerDeps = { ledger: w.ledger, dhcp: w.dhcp } as unknown as SchedulerDeps;
    const scheduler = {
      networks: { planAsked: (requests: Parameters<typeof planAskedOf>[1]) => planAskedOf(schedulerDeps, requests) },
      containers: { list: () => [] },
      view: { containersBy: { service: () => [], serviceRecords: () => [] } },
    };
    const core = createCore({ ledger: w.ledger, scheduler, now: () => 1 } as unknown as ServicesDeps, new AbortController().signal);
    const template = {
      name: 'db',
      number: 1,
      request: on({ front: '10.32.0.2', gone: '10.40.0.9' }),
      connected: { [back]: { IPAMConfig: { IPv4Address: '10.32.4.3' } } },
    };
    await core.put(id, () => newRecord(id, { origin: 'client', desired: 0, template, nowMs: 1 }));
    assert.deepEqual([w.offer(front, 'a'), w.offer(back, 'a'), w.offer(back, 'b')], ['10.32.0.3', '10.32.4.2', '10.32.4.4']);
    assert.equal(w.offer(front, 'db', '10.32.0.2'), '10.32.0.2');
  });
});
