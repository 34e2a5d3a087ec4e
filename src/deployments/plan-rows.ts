/** What a deploy would do, host by host. Effects: HTTP requests that change nothing. */
import type { ContainerSummary } from '../model/index.ts';
import type { Rehearsal } from '../operator-api/index.ts';
import type { DeployPlan, PlannedStep } from '../contracts/index.ts';
import type { Step } from '../compose/index.ts';
import type { ClusterCalls } from './calls.ts';
import { exists, type Job, missing } from './job.ts';
import { rehearse, stepsOnAll } from './rehearse.ts';

/** Throws `invalid` for external networks and volumes that do not exist. */
export async function planOf(api: ClusterCalls, job: Job, removeOrphans: boolean): Promise<DeployPlan> {
  const steps = job.waves.flatMap((wave) => wave.steps);
  const isOnAll = stepsOnAll(job);
  const make = await missing(api, job);
  const placements = await rehearse(api, job, make, false);
  // A global service does without the hosts that do not take it.
  const isShown = (step: Step) => !isOnAll.has(step) || placements.get(step)?.kind !== 'refused';
  const images = new Map<string, boolean>();
  for (const { request } of placements.keys()) {
    const image = request?.Image ?? '';
    if (!images.has(image)) images.set(image, await exists(api, `/images/${encodeURIComponent(image)}/json`));
  }
  const there = job.existing;
  const rows: readonly PlannedStep[] = [
    ...steps.filter(isShown).map((step) => {
      const placement = placements.get(step);
      const image = step.request?.Image ?? '';
      const note = imageNote(job.builds.has(image), images.get(image) === true, placement);
      return {
        host: placement === undefined ? hostOf(there, step.id) : placement.kind === 'placed' ? placement.decision.host : '-',
        container: step.container,
        action: placement?.kind === 'refused' ? ('refused' as const) : step.action,
        networks: Object.keys(step.request?.NetworkingConfig?.EndpointsConfig ?? {}),
        addresses: placement === undefined ? addressesOf(there, step.id) : Object.values(placement.addresses),
        image,
        ...(note !== undefined && { imageNote: note }),
        ...(placement?.kind === 'refused' && { why: placement.message }),
      };
    }),
    ...(removeOrphans ? job.orphans : []).map((one) => ({
      host: hostOf(there, one.Id),
      container: one.Names[0]?.slice(1) ?? '',
      action: 'remove' as const,
      networks: [],
      addresses: addressesOf(there, one.Id),
      image: '',
    })),
  ].toSorted((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  return { project: job.project, creates: [...make, ...job.newContents].map(({ kind, name }) => ({ kind, name })), steps: rows };
}

/** What becomes of the image before the container is made; undefined: it is on the host. */
function imageNote(isBuilt: boolean, isThere: boolean, placement: Rehearsal | undefined): string | undefined {
  if (placement?.kind !== 'placed') return undefined;
  if (!isThere) return isBuilt ? 'to be built' : 'to be pulled';
  const { host, scored } = placement.decision;
  return scored.find((one) => one.host === host)?.figures['image'] === 0 ? 'to be copied there' : undefined;
}

const addressesOf = (all: readonly ContainerSummary[], id: string | undefined): readonly string[] => {
  const found = all.find((one) => one.Id === id);
  return Object.values(found?.NetworkSettings?.Networks ?? {}).flatMap((network) => (network?.IPAddress ? [network.IPAddress] : []));
};

const hostOf = (all: readonly ContainerSummary[], id: string | undefined): string => {
  const found = all.find((one) => one.Id === id);
  return found?.Labels['arpanet.host'] ?? '-';
};
