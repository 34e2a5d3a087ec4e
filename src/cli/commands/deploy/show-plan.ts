/** What a deploy would do, host by host. Effects: HTTP requests that change nothing, the terminal. */
import { ArpanetError, type ContainerSummary } from '../../../model/index.ts';
import type { Rehearsal } from '../../../operator-api/index.ts';
import type { ApiClient } from '../../api-client.ts';
import type { Terminal } from '../../command.ts';
import { table } from '../../output/table.ts';
import type { Step } from '../../../compose/index.ts';
import { type DeployFlags, exists, type Job, missing } from './job.ts';
import { rehearse, stepsOnAll } from './rehearse.ts';

const MARK = { create: 'create', recreate: 'recreate', start: 'start', keep: 'stays', remove: 'remove' } as const;

export async function showPlan(api: ApiClient, job: Job, flags: DeployFlags, { out }: Terminal): Promise<void> {
  const steps = job.waves.flatMap((wave) => wave.steps);
  const isOnAll = stepsOnAll(job);
  const make = await missing(api, job);
  const placements = await rehearse(api, job, make, false);
  const placementOf = (step: Step) => placements.get(step);
  // A global service does without the hosts that do not take it.
  const isShown = (step: Step) => !isOnAll.has(step) || placementOf(step)?.kind !== 'refused';
  const isBuilt = ({ request }: Step) => job.builds.has(request?.Image ?? '');
  const images = new Map<string, boolean>();
  for (const { request } of placements.keys()) {
    const image = request?.Image ?? '';
    if (!images.has(image)) images.set(image, await exists(api, `/images/${encodeURIComponent(image)}/json`));
  }
  const there = job.existing;
  const removed = flags.removeOrphans === true ? job.orphans : [];
  const rows = [
    ...steps.filter(isShown).map((step) => {
      const placement = placementOf(step);
      const image = step.request?.Image ?? '';
      return {
        host: placement === undefined ? hostOf(there, step.id) : placement.kind === 'placed' ? placement.decision.host : '-',
        container: step.container,
        action: placement?.kind === 'refused' ? ('refused' as const) : step.action,
        networks: Object.keys(step.request?.NetworkingConfig?.EndpointsConfig ?? {}),
        addresses: placement === undefined ? addressesOf(there, step.id) : Object.values(placement.addresses),
        image,
        imageNote: imageNote(isBuilt(step), images.get(image) === true, placement),
        why: placement?.kind === 'refused' ? placement.message : undefined,
      };
    }),
    ...removed.map((one) => ({
      host: hostOf(there, one.Id),
      container: one.Names[0]?.slice(1) ?? '',
      action: 'remove' as const,
      networks: [],
      addresses: addressesOf(there, one.Id),
      image: '',
      imageNote: undefined,
      why: undefined,
    })),
  ].toSorted((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0));
  const creates = [...make, ...job.newContents].map(({ kind, name }) => ({ kind, name }));
  if (flags.json === true) out(`${JSON.stringify({ project: job.project, creates, steps: rows }, undefined, 2)}\n`);
  else {
    for (const { kind, name } of creates) out(`create ${kind} ${name}\n`);
    const cells = rows.map((row) => [
      row.host,
      row.container,
      row.action === 'refused' ? 'REFUSED' : MARK[row.action],
      row.networks.join(','),
      row.addresses.join(','),
      row.imageNote === undefined ? row.image : `${row.image} (${row.imageNote})`,
      row.why ?? '',
    ]);
    out(`${table(['HOST', 'CONTAINER', 'WHAT', 'NETWORKS', 'ADDRESSES', 'IMAGE', 'WHY'], cells)}\n`);
  }
  if (rows.some((row) => row.action === 'refused')) throw new ArpanetError('unplaceable', 'not all of it fits; nothing was changed');
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
