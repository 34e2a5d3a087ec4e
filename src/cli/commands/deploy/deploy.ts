/** `arpanet deploy` and `release`: the files as they are here, images built and pulled with this machine's context and logins; the rest is the leader's work. Effects: files, HTTP requests, the terminal. */
import type { DeployPlan, DeployRequest, Deployed, Released } from '../../../contracts/index.ts';
import {
  contentOf,
  ensureImages,
  type Job,
  missing,
  nameOf,
  prepare,
  recorded,
  refuseUnfit,
  rehearse,
  remarks,
  Stopped,
  stillWanted,
  unfinished,
} from '../../../deployments/index.ts';
import type { ApiClient } from '../../api-client.ts';
import type { ClientFlags, Terminal } from '../../command.ts';
import { registryAuth } from './credentials.ts';
import { diskFiles, projectOnDisk } from './disk-files.ts';
import { operated } from './operated.ts';

export interface DeployFlags extends ClientFlags {
  readonly file?: readonly string[];
  readonly project?: string;
  readonly profile?: readonly string[];
  readonly plan?: boolean;
  readonly build?: boolean;
  readonly removeOrphans?: boolean;
}

/** The files against the cluster. */
interface Prepared {
  readonly name: string;
  readonly job: Job;
  readonly request: DeployRequest;
}

/** Each key that is ignored and each variable that is not set is said once. Throws `invalid` with file and line. */
export async function prepared(
  api: ApiClient,
  { file, project: given, profile: profiles, removeOrphans = false }: DeployFlags,
  only: readonly string[],
  { env, say }: Pick<Terminal, 'env' | 'say'>,
): Promise<Prepared> {
  const at = recorded(diskFiles());
  const project = projectOnDisk(at, file, env);
  for (const line of remarks(project)) say(line);
  const name = nameOf(project, given);
  // what it reads is what the leader has to read
  const job = await prepare(api, project, name, { profiles, only });
  return { name, job, request: { ...at.request(project), ...(profiles && { profiles }), services: only, removeOrphans } };
}

/** What would happen; nothing is changed. */
export async function planned(api: ApiClient, { name, request }: Prepared): Promise<DeployPlan> {
  return await api.v1.plan('putDeploymentsOne', { name, body: request });
}

/** Once the signal aborts, what has begun is done to its end, and nothing else begun: throws Stopped. */
export async function deploy(
  api: ApiClient,
  { name, job, request }: Prepared,
  flags: Pick<DeployFlags, 'build'>,
  say: Terminal['say'],
  signal: AbortSignal,
): Promise<Deployed> {
  const { variables } = job.from;
  refuseUnfit(job, await rehearse(api, job, await missing(api, job), false));
  try {
    await ensureImages(
      api,
      job,
      {
        auth: async (image) => await registryAuth(image, variables),
        isBuiltAnew: flags.build === true,
        async build(build) {
          // with gRPC and protobuf: most deploys build nothing
          const { buildImage } = await import('./build.ts');
          await buildImage(api, build, { content: (of) => contentOf(of, job.from), variables }, { say, signal });
        },
      },
      { say, signal },
    );
    stillWanted(signal);
  } catch (error) {
    for (const line of unfinished(job.waves, [])) say(line);
    if (signal.aborted && !(error instanceof Stopped)) throw new Stopped('stopped');
    throw error;
  }
  return await operated(api.v1, 'putDeploymentsOne', { name, body: { ...request, hasImages: true } }, say, signal);
}

/** Removes all of a deployment. Throws as `deploy` does. */
export async function release(
  api: ApiClient,
  name: string,
  isWithVolumes: boolean,
  say: Terminal['say'],
  signal: AbortSignal,
): Promise<Released> {
  return await operated(api.v1, 'deleteDeploymentsOne', { name, ...(isWithVolumes && { volumes: true }) }, say, signal);
}
