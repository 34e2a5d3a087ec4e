/** The images of a deploy. Effects: HTTP requests, files. */
import { ArpanetError } from '../../../model/errors.ts';
import { type CreateRequest, composeLabels } from '../../../model/index.ts';
import type { Step } from '../../../compose/index.ts';
import { failureIn, pullPath } from '../../../engine/work-stream.ts';
import type { ApiClient } from '../../api-client.ts';
import { registryAuth } from './credentials.ts';
import { type DeployFlags, exists, type How, type Job } from './job.ts';
import { stillWanted } from './unfinished.ts';

/**
 * Pulls and builds what is missing before anything is stopped for it, as compose does: what the file names is pulled first, and built where that
 * fails. True if any image was pulled or built. Throws `not-found` for one that nobody can provide, `conflict` for a build that fails.
 */
export async function ensureImages(api: ApiClient, job: Job, flags: DeployFlags, how: How): Promise<boolean> {
  const { signal } = how;
  let isChanged = false;
  const done = new Set<string>();
  const all = needed(job, flags);
  const ensure = async (image: string, step: Pick<Step, 'service' | 'pull'>): Promise<void> => {
    if (done.has(image)) return;
    stillWanted(signal);
    done.add(image);
    const build = job.builds.get(image);
    for (const other of build?.after ?? [])
      await ensure(other, all.get(other) ?? { service: job.builds.get(other)?.service ?? step.service });
    const isPresent = await exists(api, `/images/${encodeURIComponent(image)}/json`);
    if (isPresent && step.pull !== 'always' && !isBuiltAnew(build, flags)) return;
    if (build === undefined) {
      if (step.pull === 'never')
        throw new ArpanetError('not-found', `${step.service}: no host has the image ${image}, and pull_policy is never`);
      await pull(api, image, job, how);
    } else if (isBuiltAnew(build, flags) || !build.mayPull || !(await isPulled(api, image, job, how))) {
      if (isPresent && !isBuiltAnew(build, flags)) return;
      // with gRPC and protobuf: most deploys build nothing
      const { buildImage } = await import('./build.ts');
      await buildImage(api, build, job, how);
    }
    isChanged = true;
  };
  for (const [image, step] of all) await ensure(image, step);
  return isChanged;
}

const isBuiltAnew = (build: { readonly isForced: boolean } | undefined, flags: DeployFlags): boolean =>
  build !== undefined && (flags.build === true || build.isForced);

/** By their names, with a step that uses them. */
function needed({ waves, builds }: Job, flags: DeployFlags): ReadonlyMap<string, Step> {
  const steps = waves.flatMap((wave) => wave.steps);
  return new Map(
    steps.flatMap((step) => {
      const image = step.request?.Image;
      const isNeeded = step.action !== 'keep' || step.pull === 'always' || isBuiltAnew(builds.get(image ?? ''), flags);
      return image !== undefined && isNeeded ? [[image, step] as const] : [];
    }),
  );
}

/** Throws `not-found`. */
async function pull(api: ApiClient, image: string, { variables }: Job, { say, signal }: How): Promise<void> {
  say(`${image}: pulling`);
  const failure = await failureIn(
    await api.open(pullPath(image), signal, { method: 'POST', headers: await registryAuth(image, variables) }),
  );
  if (failure !== undefined) throw new ArpanetError('not-found', `cannot pull ${image}: ${failure}`);
}

async function isPulled(api: ApiClient, image: string, job: Job, how: How): Promise<boolean> {
  try {
    await pull(api, image, job, how);
    return true;
  } catch (error) {
    if (!(error instanceof ArpanetError)) throw error;
    how.say(`${image}: no registry has it (${error.message}): it is built`);
    return false;
  }
}

/** The request with the id of its image in a label, as compose writes it: at the next deploy the tag may mean another image. */
export async function withImage(api: ApiClient, request: CreateRequest): Promise<CreateRequest> {
  const { Id } = await api.json<{ Id: string }>(`/images/${encodeURIComponent(request.Image ?? '')}/json`);
  return { ...request, Labels: { ...request.Labels, [composeLabels.image]: Id } };
}
