/** The services of one leadership, wired by name: what Docker's and the operator's API ask, and the reconcilers behind it. Effects: those of its parts. */
import type { HostOperations, ReplicaCounts, Secrets, Services } from '../contracts/index.ts';
import { createClientCalls } from './client-calls.ts';
import { type Core, createCore } from './core.ts';
import type { ServicesDeps } from './deps.ts';
import { createClean } from './hosts/clean.ts';
import { createDrain } from './hosts/drain.ts';
import { createHostLock } from './hosts/host-lock.ts';
import { createHostOperations } from './hosts/host-operations.ts';
import { createHostUpgrade } from './hosts/upgrade-host.ts';
import { createMigrations } from './hosts/migration.ts';
import { createRebalance } from './hosts/rebalance.ts';
import { createCanaries } from './operations/canary.ts';
import { createPower } from './operations/power.ts';
import { createScale } from './operations/scale.ts';
import { createScalePlan } from './operations/scale-plan.ts';
import { createUpdates } from './operations/update.ts';
import { createInstanceActions } from './replicas/instance-actions.ts';
import { startReplicaReconciler } from './replicas/replica-reconciler.ts';
import { startRescheduling } from './reschedule/reschedule.ts';
import { createRollout } from './rollout/rollout.ts';
import { createSecrets } from './secrets.ts';
import { findService } from './service-reference.ts';
import { guarded, inBackground, reportFault } from '../telemetry/faults.ts';

/** What the room does for others, by role. */
export interface ServicesRoom {
  /** What `services.list` gives, pausing in between. */
  readonly listInSteps: Core['listInSteps'];
  readonly services: Services;
  readonly replicas: ReplicaCounts;
  readonly secrets: Secrets;
  readonly hosts: HostOperations;
}

/** Runs until `lost` aborts. */
export function startServices(deps: ServicesDeps, lost: AbortSignal): ServicesRoom {
  const core = createCore(deps, lost);
  const actions = createInstanceActions(deps, lost);
  const reconciler = startReplicaReconciler(core, actions);
  startRescheduling(core, actions, reconciler);
  const updates = createUpdates(core, reconciler, createRollout(core, actions));
  const power = createPower(core, actions);
  const lock = createHostLock(deps.now);
  const migrations = createMigrations(core, actions);
  const drain = createDrain(core, actions, migrations, lock);
  const { resume: resumeCanaries, ...canaries } = createCanaries(core, reconciler, {
    create: updates.create,
    update: updates.update,
    remove: power.remove,
  });
  const upgrades = createHostUpgrade(core, drain, lock);
  const members = createHostOperations(core, actions, lock);
  const clean = createClean(core, actions, lock);
  const rebalance = createRebalance(core, { migrations, reconciler, lock });
  const resume = async (): Promise<void> => {
    await reconciler.ready;
    if (lost.aborted) return;
    // Updates and migrations take their services before the reconciler looks at the counts.
    guarded(deps.log, 'resuming updates', updates.resume)();
    await migrations.resume().catch((error: unknown) => reportFault(deps.log, 'resuming migrations', error));
    if (lost.aborted) return;
    drain.resume();
    resumeCanaries();
    upgrades.resume();
  };
  /** An earlier release has written templates and remembered none of their addresses. */
  const rememberAddresses = async (): Promise<void> => {
    for (const { template } of core.records()) await deps.ledger.commit(deps.scheduler.networks.planAsked([template.request]));
  };
  inBackground(deps.log, 'remembering fixed addresses of services', rememberAddresses());
  inBackground(deps.log, 'resuming what an earlier leader began', resume());
  return {
    services: {
      list: core.list,
      find: (reference) => findService(reference, core.list()),
      create: updates.create,
      update: updates.update,
      rollback: updates.rollback,
      scale: createScale(core, reconciler),
      scalePlan: createScalePlan(core),
      remove: power.remove,
      power: power.power,
      drain: drain.drain,
      canaries,
      stuck: () => [...core.stuck.values()],
    },
    listInSteps: core.listInSteps,
    replicas: createClientCalls(core, reconciler),
    secrets: createSecrets(core),
    hosts: {
      add: members.add,
      update: members.update,
      remove: members.remove,
      reset: members.reset,
      activate: drain.activate,
      upgrade: upgrades.upgrade,
      clean: clean.clean,
      cleanPlan: clean.cleanPlan,
      rebalance: rebalance.rebalance,
      rebalancePlan: rebalance.rebalancePlan,
      fillUp: rebalance.fillUp,
    },
  };
}
