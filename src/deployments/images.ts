/** The images of a deploy. Effects: HTTP requests. */
import { ArpanetError } from '../model/errors.ts';
import { type CreateRequest, composeLabels } from '../model/index.ts';
import type { Build, Step } from '../compose/index.ts';
import { failureIn, pullPath } from '../engine/work-stream.ts';
import type { ClusterCalls, How } from './calls.ts';
import { exists, type Job } from './job.ts';
import { stillWanted } from './unfinished.ts';

/** How an image comes that no host has. */
export interface ImageSource {
  /** What a registry wants to know of who pulls. */
  readonly auth: (image: string) => Promise<Readonly<Record<string, string>>>;
  /** Throws `conflict` for a build that fails, `not-found` where nobody can build. */
  readonly build: (build: Build) => Promise<void>;
  /** Builds also what a host has. */
  readonly isBuiltAnew: boolean;
  /** Somebody has seen to all images already. */
  readonly isProvided?: boolean;
}

/**
 * Pulls and builds what is missing before anything is stopped for it, as compose does: what the file names is pulled first, and built where that
 * fails. True if any image was pulled or built. Throws `not-found` for one that nobody can provide, `conflict` for a build that fails.
 */
export async function ensureImages(api: ClusterCalls, job: Job, source: ImageSource, how: How): Promise<boolean> {
  if (source.isProvided === true) return false;
  let isChanged = false;
  const done = new Set<string>();
  const isBuiltAnew = (build: Build | undefined) => build !== undefined && (source.isBuiltAnew || build.isForced);
  const all = needed(job, isBuiltAnew);
  const ensure = async (image: string, step: Pick<Step, 'service' | 'pull'>): Promise<void> => {
    if (done.has(image)) return;
    stillWanted(how.signal);
    done.add(image);
    const build = job.builds.get(image);
    for (const other of build?.after ?? [])
      await ensure(other, all.get(other) ?? { service: job.builds.get(other)?.service ?? step.service });
    const isPresent = await exists(api, `/images/${encodeURIComponent(image)}/json`);
    if (isPresent && step.pull !== 'always' && !isBuiltAnew(build)) return;
    if (build === undefined) {
      if (step.pull === 'never')
        throw new ArpanetError('not-found', `${step.service}: no host has the image ${image}, and pull_policy is never`);
      await pull(api, image, source, how);
    } else if (isBuiltAnew(build) || !build.mayPull || !(await isPulled(api, image, source, how))) {
      if (isPresent && !isBuiltAnew(build)) return;
      await source.build(build);
    }
    isChanged = true;
  };
  for (const [image, step] of all) await ensure(image, step);
  return isChanged;
}

/** By their names, with a step that uses them. */
function needed({ waves, builds }: Job, isBuiltAnew: (build: Build | undefined) => boolean): ReadonlyMap<string, Step> {
  const steps = waves.flatMap((wave) => wave.steps);
  return new Map(
    steps.flatMap((step) => {
      const image = step.request?.Image;
      const isNeeded = step.action !== 'keep' || step.pull === 'always' || isBuiltAnew(builds.get(image ?? ''));
      return image !== undefined && isNeeded ? [[image, step] as const] : [];
    }),
  );
}

/** Throws `not-found`. */
async function pull(api: ClusterCalls, image: string, { auth }: ImageSource, { say, signal }: How): Promise<void> {
  say(`${image}: pulling`);
  const failure = await failureIn(await api.open(pullPath(image), signal, { method: 'POST', headers: await auth(image) }));
  if (failure !== undefined) throw new ArpanetError('not-found', `cannot pull ${image}: ${failure}`);
}

async function isPulled(api: ClusterCalls, image: string, source: ImageSource, how: How): Promise<boolean> {
  try {
    await pull(api, image, source, how);
    return true;
  } catch (error) {
    if (!(error instanceof ArpanetError)) throw error;
    how.say(`${image}: no registry has it (${error.message}): it is built`);
    return false;
  }
}

/** The request with the id of its image in a label, as compose writes it: at the next deploy the tag may mean another image. */
export async function withImage(api: ClusterCalls, request: CreateRequest): Promise<CreateRequest> {
  const { Id } = await api.json<{ Id: string }>(`/images/${encodeURIComponent(request.Image ?? '')}/json`);
  return { ...request, Labels: { ...request.Labels, [composeLabels.image]: Id } };
}
