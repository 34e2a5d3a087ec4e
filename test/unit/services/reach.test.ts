/** An operation that waits for a service to reach its count: it hears of it from the view, and looks at nothing between two changes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeyed } from '../../../src/async/keyed.ts';
import type { ContainerView, ServiceRecord } from '../../../src/model/index.ts';
import type { Core, Runtime } from '../../../src/services/core.ts';
import type { InstanceActions } from '../../../src/services/replicas/instance-actions.ts';
import { startReplicaReconciler } from '../../../src/services/replicas/replica-reconciler.ts';

const ID = { deployment: 'abc', service: 'web' };
const REQUEST = { Image: 'busybox', Labels: { 'arpanet.service': 'web' } };
const settled = () => new Promise((resolve) => setImmediate(resolve));

function instance(number: number, status: 'running' | 'restarting' | 'exited'): ContainerView {
  const State = {
    Status: status,
    Running: status === 'running',
    ExitCode: 1,
    StartedAt: '2026-01-01T00:00:00Z',
    FinishedAt: '2026-01-01T00:00:01Z',
  };
  const inspect = { State, HostConfig: {}, Config: {} };
  const record = { name: `web-${number}`, number, request: REQUEST, ...ID, createdAtMs: 1, requestId: 'replica-1' };
  return {
    id: `id-${number}`,
    name: `web-${number}`,
    host: 'h1',
    hostState: 'alive',
    facts: { inspect },
    record,
  } as unknown as ContainerView;
}

function world(desired: number) {
  const over = new AbortController();
  const instances: ContainerView[] = [];
  const done: string[] = [];
  let changed = (): void => undefined;
  let looks = 0;
  let record: ServiceRecord | undefined = {
    ...ID,
    desired,
    template: { name: 'web-1', number: 1, request: REQUEST },
    stopped: [],
    countedAtMs: 0,
    version: 1,
  } as unknown as ServiceRecord;
  const runtime = { busy: 0, operation: { what: 'being scaled' }, attempts: new Map() } as unknown as Runtime;
  const core = {
    deps: {
      scheduler: {
        leader: { frozen: () => undefined, ready: () => new Promise(() => undefined) },
        view: {
          onChange: (listener: () => void) => (changed = listener),
          containersBy: { service: () => instances, serviceRecords: () => [] },
        },
        containers: { list: () => instances },
      },
      log: { info: () => undefined, warn: () => undefined },
      now: Date.now,
    },
    lost: over.signal,
    runtime: () => runtime,
    runs: createKeyed(),
    record: () => (looks++, record),
    records: () => [],
    instances: () => instances,
    unseen: () => [],
  } as unknown as Core;
  const actions = {
    add: async (_template: unknown, number: number) => {
      done.push(`add ${number}`);
      instances.push(instance(number, 'restarting'));
    },
    start: async ({ name }: ContainerView) => void done.push(`start ${name}`),
  } as unknown as InstanceActions;
  const reconciler = startReplicaReconciler(core, actions);
  return {
    done,
    reconciler,
    looks: () => looks,
    show(...now: ContainerView[]) {
      instances.splice(0, Infinity, ...now);
      changed();
    },
    setDesired: (count: number) => (record = record && { ...record, desired: count }),
    leave: () => over.abort(),
    [Symbol.dispose]: () => over.abort(),
  };
}

describe('reaching a count', () => {
  it('ends with the change of the view that shows it, and nothing is looked at in between', async () => {
    using service = world(2);
    const reached = service.reconciler.reach(ID, 2, 10_000);
    // Once more after its own steps have settled, and then not again.
    await sleep(400);
    assert.deepEqual(service.done, ['add 1', 'add 2']);
    const before = service.looks();
    await sleep(400);
    assert.equal(service.looks(), before);
    service.show(instance(1, 'running'), instance(2, 'running'));
    assert.equal(await reached, 2);
  });

  it('starts what dies meanwhile', async () => {
    using service = world(1);
    const reached = service.reconciler.reach(ID, 1, 10_000);
    await settled();
    service.show(instance(1, 'exited'));
    await settled();
    assert.deepEqual(service.done, ['add 1', 'start web-1']);
    service.show(instance(1, 'running'));
    assert.equal(await reached, 1);
  });

  it('ends when the count was changed meanwhile, or time is over, with what runs', async () => {
    using service = world(2);
    const changed = service.reconciler.reach(ID, 2, 10_000);
    await settled();
    service.setDesired(1);
    service.show(instance(1, 'running'));
    assert.equal(await changed, 1);
    service.setDesired(2);
    assert.equal(await service.reconciler.reach(ID, 2, 20), 1);
  });

  it('ends with the leadership', async () => {
    using service = world(1);
    const reached = service.reconciler.reach(ID, 1, 10_000);
    await settled();
    service.leave();
    await assert.rejects(reached, { kind: 'unavailable', message: /no longer leads/ });
  });
});
