/** The services of one leadership: what the endpoint and the operator's API ask, and the reconciler behind it. Effects: those of its parts. */
import type { ServiceView } from '../model/index.ts';
import { createAct } from './replicas/instance-actions.ts';
import { type Changes, createChanges } from './service-operations.ts';
import { type Clean, createClean } from './hosts/clean.ts';
import type { DeploymentsDeps } from './deps.ts';
import { createCore } from './core.ts';
import { createDrain, type Drain } from './hosts/drain.ts';
import { createHooks, type Hooks } from './client-calls.ts';
import { createHostChanges, type HostChanges } from './hosts/host-operations.ts';
import { createHostLock } from './hosts/host-lock.ts';
import { startKeep } from './replicas/replica-reconciler.ts';
import { createKept, type Kept } from './secrets.ts';
import { createMoves } from './hosts/migration.ts';
import { findService } from './service-reference.ts';
import { createRebalance, type Rebalance } from './hosts/rebalance.ts';
import { startRescue } from './reschedule/reschedule.ts';
import { createRollout } from './rollout/rollout.ts';

export interface Deployments extends Hooks, Drain, Clean, Rebalance, HostChanges, Kept, Omit<Changes, 'resume'> {
  readonly list: () => readonly ServiceView[];
  /** Lost containers that cannot come up elsewhere now, and why. */
  readonly stuck: () => readonly { readonly name: string; readonly why: string }[];
  /** `abc/web`, `abc_web`, or `web` where that is clear. Throws `not-found` naming the nearest. */
  readonly find: (reference: string) => ServiceView;
}

/** Runs until `lost` aborts. */
export function startDeployments(deps: DeploymentsDeps, lost: AbortSignal): Deployments {
  const core = createCore(deps, lost);
  const act = createAct(deps, lost);
  const keep = startKeep(core, act);
  const rollout = createRollout(core, act);
  startRescue(core, act, keep);
  const { resume, ...changes } = createChanges(core, act, keep, rollout);
  const lock = createHostLock(deps.now);
  const moves = createMoves(core, act);
  const { resume: drainOn, ...drain } = createDrain(core, act, moves, lock);
  void keep.ready.then(async () => {
    if (lost.aborted) return;
    // Services are held for their moves and updates before anybody looks at their counts.
    resume();
    await moves.resume();
    if (!lost.aborted) drainOn();
  });
  return {
    ...createHooks(core, keep),
    ...drain,
    ...createClean(core, act, lock),
    ...createRebalance(core, { moves, keep, lock }),
    ...createHostChanges(core, act, lock),
    ...changes,
    ...createKept(core),
    list: core.list,
    stuck: () => [...core.stuck.values()],
    find: (reference) => findService(reference, core.list()),
  };
}
