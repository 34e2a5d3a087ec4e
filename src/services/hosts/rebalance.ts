/** Makes hosts evenly full, or fills one up. Effects: those of migrations; calls to Engines. */
import type {
  HostOperations,
  Progress,
  RebalancePlan,
  RebalanceRequest,
  RebalanceResult,
  UnmovedContainer,
} from '../../contracts/index.ts';
import { ArpanetError, serviceKey } from '../../model/index.ts';
import type { Core } from '../core.ts';
import { moveAll } from './move-all.ts';
import { whyItIsLeft } from './drain-plan.ts';
import { ALL_HOSTS, type HostLock } from './host-lock.ts';
import { callEngine } from '../engine-calls.ts';
import { tryAll } from '../../async/limit.ts';
import type { ReplicaReconciler } from '../replicas/replica-reconciler.ts';
import type { Migrations } from './migration.ts';
import { hostNamed } from '../../config/nearest.ts';
import { freeNumbers, numberOf } from '../replicas/replica-plan.ts';
import { type FillHost, levelsOf, type Movable, planRebalance } from './rebalance-plan.ts';
import { instanceName, instanceRequest } from '../replicas/template.ts';

const NOWHERE: ReadonlySet<string> = new Set();

export function createRebalance(
  core: Core,
  parts: { readonly migrations: Migrations; readonly reconciler: ReplicaReconciler; readonly lock: HostLock },
): Pick<HostOperations, 'rebalance' | 'rebalancePlan' | 'fillUp'> {
  const { deps, lost } = core;
  const { migrations, reconciler, lock } = parts;

  /** Hosts that take containers, and what may move between them. */
  function look(): {
    readonly hosts: readonly FillHost[];
    readonly movables: readonly Movable[];
    readonly stays: readonly UnmovedContainer[];
  } {
    const snapshots = deps.scheduler.placement.snapshots().filter((host) => host.state === 'alive' && host.availability === 'active');
    const hosts = snapshots.map((host): FillHost => {
      const here = host.containers.filter((one) => one.state !== 'stopped');
      return {
        name: host.name,
        cpus: host.cpus,
        memoryBytes: host.memoryBytes,
        ...(host.maxContainers === undefined ? {} : { maxContainers: host.maxContainers }),
        containers: here.length,
        reservedCores: here.reduce((sum, one) => sum + one.expectedNanoCpus / 1e9, 0),
        reservedMemoryBytes: here.reduce((sum, one) => sum + one.expectedMemoryBytes, 0),
      };
    });
    const placed = new Map(snapshots.flatMap((host) => host.containers.map((one) => [one.id, one] as const)));
    const stays: UnmovedContainer[] = [];
    const movables = core.list().flatMap((service): readonly Movable[] => {
      const { template } = service;
      const here = service.instances.filter((one) => placed.get(one.id)?.state === 'running');
      if (template === undefined || here.length === 0) return [];
      const operation = core.runtime(service).operation?.what ?? (service.outdated.length > 0 ? 'in the middle of an update' : undefined);
      const kept = new Set<string>();
      for (const container of here) {
        const why = operation === undefined ? whyItIsLeft(container, service) : `${serviceKey(service)} is ${operation}`;
        if (why === undefined) continue;
        kept.add(container.id);
        stays.push({ container: container.name, why });
      }
      const [number = 1] = freeNumbers(new Set(service.instances.map(numberOf)), 1);
      const [placement] = deps.rehearse([{ name: instanceName(template, number), request: instanceRequest(template, number) }]);
      const fits = new Set(placement?.kind === 'placed' ? placement.decision.scored.map(({ host }) => host) : []);
      return here.map((container) => ({
        id: container.id,
        name: container.name,
        service: serviceKey(service),
        host: container.host,
        cores: (placed.get(container.id)?.expectedNanoCpus ?? 0) / 1e9,
        memoryBytes: placed.get(container.id)?.expectedMemoryBytes ?? 0,
        hostPorts: placed.get(container.id)?.hostPorts ?? [],
        fits: kept.has(container.id) ? NOWHERE : fits,
      }));
    });
    return { hosts, movables, stays };
  }

  function rebalancePlan(request: RebalanceRequest): RebalancePlan {
    const { hosts, movables, stays } = look();
    const planned = planRebalance(hosts, movables, request);
    const weight = new Map(movables.map((one) => [one.id, one]));
    const after = hosts.map((host) => {
      const sum = (pick: (one: Movable) => number) =>
        planned.reduce((all, { id, from, to }) => {
          const one = weight.get(id);
          return all + (one === undefined ? 0 : pick(one)) * (Number(to === host.name) - Number(from === host.name));
        }, 0);
      return {
        ...host,
        containers: host.containers + sum(() => 1),
        reservedCores: host.reservedCores + sum((one) => one.cores),
        reservedMemoryBytes: host.reservedMemoryBytes + sum((one) => one.memoryBytes),
      };
    });
    return { moves: planned, before: levelsOf(hosts), after: levelsOf(after), stays };
  }

  async function carryOut(request: RebalanceRequest, progress: Progress): Promise<RebalanceResult> {
    const { moves: planned } = rebalancePlan(request);
    progress(planned.length === 0 ? 'the hosts are evenly full: nothing to move' : `${planned.length} to move`);
    const services = core.list();
    const containers = new Map(deps.scheduler.containers.list().map((one) => [one.id, one]));
    const wanted = planned.flatMap(({ id, service: key, to }) => {
      const service = services.find((one) => serviceKey(one) === key);
      const container = containers.get(id);
      return service === undefined || container === undefined ? [] : [{ service, container, to }];
    });
    const done = await moveAll(wanted, { migrations, lost, progress });
    for (const { container, why } of done.stays) progress(`${container} stays: ${why}`);
    return done;
  }

  return {
    rebalancePlan,
    rebalance: (request, progress) => lock.hold(ALL_HOSTS, 'being rebalanced', () => carryOut(request, progress)),
    async fillUp(name, progress) {
      const { name: host, state } = hostNamed(name, deps.scheduler.hosts.list());
      if (state !== 'alive') throw new ArpanetError('conflict', `${host} is ${state}: start its agent first, then fill it up`);
      return lock.hold(ALL_HOSTS, `being rebalanced onto ${host}`, async () => {
        await deps.scheduler.hosts.update(host, { availability: 'active' });
        progress(`${host}: takes new containers`);
        const paused = deps.scheduler.containers
          .list()
          .filter((one) => one.host === host && one.record !== undefined && one.facts.inspect.State.Paused);
        const resumed: string[] = [];
        for (const one of paused) {
          const { status } = await callEngine(deps.scheduler.engines, host, { method: 'POST', path: `/containers/${one.id}/unpause` });
          if (status >= 300) continue;
          await deps.scheduler.view.refresh(host, { containers: [one.id] });
          resumed.push(one.name);
          progress(`${host}: ${one.name} resumed`);
        }
        // What could not be placed before is tried now, and not when its back-off is over.
        await tryAll(core.records(), 4, async (record) => {
          const runtime = core.runtime(record);
          if (runtime.operation !== undefined || runtime.busy > 0) return;
          runtime.attempts.clear();
          await reconciler.look(record);
        });
        return { host, resumed, ...(await carryOut({ onto: host }, progress)) };
      });
    },
  };
}
