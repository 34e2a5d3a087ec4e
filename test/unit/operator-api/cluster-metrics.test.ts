import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atOnce } from '../../../src/async/steps.ts';
import type { ContainerView, HostView, ServiceView } from '../../../src/model/index.ts';
import type { Observed } from '../../../src/operator-api/index.ts';
import { clusterFamilies, MOST_DEPLOYMENTS } from '../../../src/operator-api/reports/cluster-metrics.ts';
import { exposition, type Family } from '../../../src/telemetry/metrics.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { inOneStep, literalObserved } from '../../support/fakes/literal-observed.ts';

const POOL = '10.32.0.0/12';

function hostCalled(name: string, state: HostView['state'] = 'alive'): HostView {
  const record = { name, address: '10.0.0.1', availability: 'active', labels: {} } as HostView['record'];
  const load = { cpu: 0.25, memoryUsedBytes: 1e9, memoryTotalBytes: 4e9 };
  return { name, record, state, load, facts: undefined, why: undefined, images: [], volumes: [] };
}

/** By labels in their order. */
function valuesOf(families: readonly Family[], name: string): Readonly<Record<string, number>> {
  const { samples } = families.find((family) => family.name === name) ?? assert.fail(name);
  return Object.fromEntries(samples.map(({ labels = {}, value }) => [Object.values(labels).join(' '), value]));
}

const stepsOf = (more: Partial<Observed>) => {
  const observed = literalObserved(more);
  return clusterFamilies(observed, () => inOneStep(observed.services()), POOL);
};
const made = (more: Partial<Observed>) => atOnce(stepsOf(more));

describe('the metrics of the cluster', () => {
  it('count hosts in every state, also in those where none is: an alert on a missing series never fires', () => {
    const families = made({ hosts: [hostCalled('h1'), hostCalled('h2', 'down')] });
    assert.deepEqual(valuesOf(families, 'arpanet_hosts'), { joining: 0, alive: 1, suspect: 0, down: 1 });
    assert.deepEqual(valuesOf(families, 'arpanet_host_up'), { h1: 1, h2: 0 });
    assert.deepEqual(valuesOf(families, 'arpanet_host_cpu_busy_ratio'), { h1: 0.25, h2: 0.25 });
  });

  it('count containers by deployment and state; nobody knows the state of those on a host that is down', () => {
    const containers = [
      literalView(literalRecord('abc_web_1')),
      literalView(literalRecord('abc_web_2'), { state: { Health: { Status: 'unhealthy' } } }),
      literalView(literalRecord('abc_web_3'), { running: false }),
      literalView(literalRecord('abc_web_4'), { hostState: 'down' }),
      { ...literalView(literalRecord('x')), record: undefined },
    ];
    assert.deepEqual(valuesOf(made({ containers }), 'arpanet_containers'), {
      'abc running': 1,
      'abc unhealthy': 1,
      'abc exited': 1,
      'abc unknown': 1,
      ' running': 1,
    });
  });

  it('count what a service lacks: what a person stopped and what has ended well is not missing', () => {
    const instances: readonly ContainerView[] = [
      literalView(literalRecord('abc_web_1')),
      literalView(literalRecord('abc_web_2'), { running: false, state: { ExitCode: 0, FinishedAt: '2026-01-01T00:00:00Z' } }),
    ];
    const service = (desired: number, stopped: readonly number[]) =>
      ({ deployment: 'abc', service: 'web', desired, instances, record: { stopped } }) as unknown as ServiceView;
    const lacks = (one: ServiceView) => valuesOf(made({ services: () => [one] }), 'arpanet_deployment_missing_instances');
    assert.deepEqual(lacks(service(5, [])), { abc: 3 });
    assert.deepEqual(lacks(service(5, [4, 5])), { abc: 1 });
    assert.deepEqual(lacks(service(2, [])), { abc: 0 });
    assert.deepEqual(lacks({ ...service(9, []), record: undefined }), { abc: 0 });
  });

  it('say how much of the pool is taken: subnets of other ranges do not count', () => {
    const networks = ['10.32.0.0/22', '10.32.4.0/22', '192.168.0.0/24'].map((cidr, n) => ({ id: String(n), cidr }));
    const families = made({ networks: networks as unknown as Observed['networks'] });
    assert.deepEqual(valuesOf(families, 'arpanet_pool_used_addresses'), { '': 2048 });
    assert.deepEqual(valuesOf(families, 'arpanet_pool_addresses'), { '': 2 ** 20 });
  });

  it('cost a cluster of 1,000 hosts, 30,000 containers and ever new deployments less than 13,000 series, before and after churn', () => {
    const hosts = Array.from({ length: 1_000 }, (_, n) => hostCalled(`h${n}`));
    const record = literalRecord('abc_web_1');
    const view = literalView(record);
    const after = (turn: number) => {
      const containers = Array.from({ length: 30_000 }, (_, n) => ({
        ...view,
        record: { ...record, deployment: `d${turn}x${n % 3_000}` },
        host: `h${n % 1_000}`,
      }));
      const families = made({ hosts, containers });
      assert.ok(Object.keys(valuesOf(families, 'arpanet_containers')).length <= (MOST_DEPLOYMENTS + 1) * 10);
      return exposition(families)
        .split('\n')
        .filter((line) => !line.startsWith('#')).length;
    };
    const [first, second] = [after(1), after(2)];
    assert.ok(first < 13_000, `${first} series`);
    assert.equal(second, first);
  });

  it('are made in steps of at most 250 of 30,000 containers, and of no other list more: a scrape lets requests come in between', () => {
    const record = literalRecord('abc_web_1');
    const view = literalView(record);
    let read = 0;
    const containers: ContainerView[] = Array.from({ length: 30_000 }, (_, n) => ({
      ...view,
      get record() {
        read += 1;
        return { ...record, deployment: `d${n % 3_000}` };
      },
    }));
    const hosts = Array.from({ length: 1_000 }, (_, n) => hostCalled(`h${n}`));
    const services = Array.from({ length: 3_000 }, (_, n) => ({ deployment: `d${n}`, service: 'web', desired: 10, instances: [] }));
    const steps = stepsOf({ hosts, containers, services: () => services as unknown as readonly ServiceView[] });
    let [most, count, longestMs] = [0, 0, 0];
    for (let isDone = false; !isDone; count++) {
      read = 0;
      const began = process.cpuUsage();
      isDone = steps.next().done === true;
      const { user, system } = process.cpuUsage(began);
      most = Math.max(most, read);
      longestMs = Math.max(longestMs, (user + system) / 1_000);
    }
    assert.equal(most, 250);
    assert.ok(count >= 30_000 / 250 + 3_000 / 250, `${count} steps`);
    // of the processor, also while the code is compiled: a busy neighbour does not count
    assert.ok(longestMs < 50, `a step takes ${longestMs} ms`);
  });
});
