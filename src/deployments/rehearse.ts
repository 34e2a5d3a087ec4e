/** Where the new containers of a deploy would go, before the first is made. Effects: an HTTP request that changes nothing. */
import { ArpanetError } from '../model/errors.ts';
import type { Step } from '../compose/index.ts';
import type { Rehearsal } from '../operator-api/index.ts';
import type { ClusterCalls } from './calls.ts';
import type { Job, Missing } from './job.ts';

/** Steps of services that have an instance on every host: they do without the hosts that do not take them. */
export const stepsOnAll = ({ waves }: Pick<Job, 'waves'>): ReadonlySet<Step> =>
  new Set(waves.flatMap((wave) => (wave.isGlobal ? wave.steps : [])));

/**
 * What each step that makes a container would get, in the order of the deploy. With `isHeld` the leader keeps hosts and addresses for a while for the
 * creates that follow, which come in any order.
 */
export async function rehearse(
  api: ClusterCalls,
  job: Job,
  make: readonly Missing[],
  isHeld: boolean,
): Promise<ReadonlyMap<Step, Rehearsal>> {
  const isOnAll = stepsOnAll(job);
  // An instance of a global service is replaced on its own host.
  const fresh = job.waves
    .flatMap((wave) => wave.steps)
    .filter((step) => step.action === 'create' || (step.action === 'recreate' && !isOnAll.has(step)));
  if (fresh.length === 0) return new Map();
  const placements = await api.v1.call('postRehearse', {
    body: {
      creates: fresh.map(({ container, request, action }) => ({ name: container, request, isReplacement: action === 'recreate' })),
      networks: make.flatMap((one) => (one.kind === 'network' ? [one.create] : [])),
      hold: isHeld,
    },
  });
  return new Map(fresh.flatMap((step, index) => (placements[index] === undefined ? [] : [[step, placements[index]] as const])));
}

/** Throws `unplaceable` naming each container that fits nowhere. */
export function refuseUnfit(job: Job, placements: ReadonlyMap<Step, Rehearsal>): void {
  const isOnAll = stepsOnAll(job);
  const refused = [...placements].flatMap(([step, placement]) =>
    placement.kind === 'refused' && !isOnAll.has(step) ? [`${step.container}: ${placement.message}`] : [],
  );
  if (refused.length > 0) throw new ArpanetError('unplaceable', `${refused.join('\n')}\nnot all of it fits; no container was made`);
}
