/** The images of a deploy. Effects: HTTP requests. */
import { ArpanetError } from '../../../model/errors.ts';
import { type CreateRequest, composeLabels } from '../../../model/index.ts';
import { failureIn, pullPath } from '../../../engine/work-stream.ts';
import type { ApiClient } from '../../api-client.ts';
import { exists, type Job } from './job.ts';

/** Pulls what is missing before anything is stopped for it. True if any image was pulled. Throws `not-found` for one that nobody can provide. */
export async function ensureImages(api: ApiClient, { project, waves }: Job, say: (line: string) => void): Promise<boolean> {
  let isPulled = false;
  const needed = new Map(
    waves
      .flatMap((wave) => wave.steps)
      .flatMap((step) => {
        const image = step.request?.Image;
        return image !== undefined && (step.action !== 'keep' || step.pull === 'always') ? [[image, step] as const] : [];
      }),
  );
  for (const [image, { service, isBuilt, pull: policy }] of needed) {
    const isPresent = await exists(api, `/images/${encodeURIComponent(image)}/json`);
    if (isPresent && (policy !== 'always' || isBuilt === true)) continue;
    if (!isPresent && isBuilt === true)
      throw new ArpanetError(
        'not-found',
        `${service}: no host has the image ${image}, and a deploy does not build: run "docker compose -p ${project} build ${service}" first`,
      );
    if (!isPresent && policy === 'never')
      throw new ArpanetError('not-found', `${service}: no host has the image ${image}, and pull_policy is never`);
    say(`${image}: pulling`);
    await pull(api, image);
    isPulled = true;
  }
  return isPulled;
}

/** Throws `not-found`. */
async function pull(api: ApiClient, image: string): Promise<void> {
  const failure = await failureIn(await api.open(pullPath(image), new AbortController().signal, 'POST'));
  if (failure !== undefined) throw new ArpanetError('not-found', `cannot pull ${image}: ${failure}`);
}

/** The request with the id of its image in a label, as compose writes it: at the next deploy the tag may mean another image. */
export async function withImage(api: ApiClient, request: CreateRequest): Promise<CreateRequest> {
  const { Id } = await api.json<{ Id: string }>(`/images/${encodeURIComponent(request.Image ?? '')}/json`);
  return { ...request, Labels: { ...request.Labels, [composeLabels.image]: Id } };
}
