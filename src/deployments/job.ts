/** What a deploy is to do: the files against what the cluster has. Effects: HTTP requests. */
import { createHash } from 'node:crypto';
import { ArpanetError, type ContainerSummary, isKind, composeLabels, type Json, labels } from '../model/index.ts';
import {
  addressesNeeded,
  type Plan,
  planStack,
  resourcesOf,
  type Stack,
  type StoredObject,
  storedObjectsOf,
  type Surroundings,
} from '../compose/index.ts';
import { type NewContent, type Resolved, resolveContent, type StoredRecord } from './stored-content.ts';
import type { ClusterCalls } from './calls.ts';
import { familiarReference } from '../text/image-reference.ts';
import { type Project, readEnvFiles } from './files.ts';

/** What of the files is asked for. */
export interface Asked {
  /** Services of these profiles too; `*` for all; undefined: COMPOSE_PROFILES. */
  readonly profiles?: readonly string[] | undefined;
  /** These services alone, and what they depend on; empty: all. */
  readonly only: readonly string[];
}

/** What is to be done, and with what. */
export interface Job extends Plan {
  readonly project: string;
  readonly from: Project;
  /** Hosts that are alive. */
  readonly hostCount: number;
  /** Containers of the project that exist now. */
  readonly existing: readonly ContainerSummary[];
  readonly resources: ReturnType<typeof resourcesOf>;
  /** Secrets and configs that the store does not have yet; the containers' requests name them by placeholders until they are created. */
  readonly newContents: readonly NewContent[];
}

/** What a person should know of the files: each key that is ignored, and each variable that is not set. */
export const remarks = ({ stack }: Project): readonly string[] => [
  ...stack.ignored,
  ...stack.unset.map((name) => `the variable ${name} is not set: it is taken as empty`),
];

/** `project`: the deployment's name. Throws `invalid` with file and line. */
export async function prepare(api: ClusterCalls, given: Project, project: string, { profiles: asked, only }: Asked): Promise<Job> {
  const { folder, files, variables, stack } = given;
  const resources = resourcesOf(stack, project);
  const named = (kind: 'networks' | 'volumes') => (name: string) => {
    const wanted = resources[kind].get(name);
    if (wanted === undefined) throw new ArpanetError('invalid', `${kind}: "${name}" is not defined under ${kind}: at the top of the file`);
    return wanted.name;
  };
  const resolved = await contentsOf(api, given, storedObjectsOf(stack, project));
  const storedId = (kind: 'secret' | 'config', key: string): string => {
    const found = resolved.get(`${kind} ${key}`);
    if (found === undefined) throw new ArpanetError('invalid', `${kind}s: "${key}" is not defined under ${kind}s: at the top of the file`);
    // A service that is not deployed now may lack its file.
    if (found instanceof Error) throw found;
    return 'id' in found ? found.id : `new ${found.name}`;
  };
  const hosts = await api.v1.call('getHosts');
  const images = await imageIds(api);
  const around: Surroundings = {
    project,
    folder,
    files,
    network: named('networks'),
    volume: (name) => (stack.isFig ? name : named('volumes')(name)),
    envFiles: (entries) => readEnvFiles(entries, given),
    variables,
    isFig: stack.isFig,
    imageId: (reference) => images.get(familiarReference(reference)),
    storedId,
    hostCount: hosts.filter(({ state }) => state === 'alive').length,
    hash: (text) => createHash('sha256').update(text).digest('hex'),
  };
  const filters = encodeURIComponent(JSON.stringify({ label: [`${composeLabels.project}=${project}`, `${composeLabels.oneoff}=False`] }));
  const existing = await api.json<readonly ContainerSummary[]>(`/containers/json?all=1&filters=${filters}`);
  const profiles = asked ?? (variables['COMPOSE_PROFILES'] ?? '').split(',').filter(Boolean);
  return {
    ...planStack(stack, around, existing, { profiles, only }),
    project,
    from: given,
    hostCount: around.hostCount,
    existing,
    resources,
    newContents: [...resolved.values()].flatMap((one) => (one instanceof Error || 'id' in one ? [] : [one])),
  };
}

/** The secrets and configs that services use, against what the store has; an error where one has no content. */
async function contentsOf(
  api: ClusterCalls,
  project: Project,
  objects: ReadonlyMap<string, StoredObject>,
): Promise<ReadonlyMap<string, Resolved | Error>> {
  const usedKeys = keysUsed(project.stack);
  const used = [...objects].filter(([key]) => usedKeys.has(key));
  const stored = new Map<string, readonly StoredRecord[]>();
  for (const kind of new Set(used.map(([, object]) => object.kind))) stored.set(kind, await api.json(`/${kind}s`));
  const resolved = new Map<string, Resolved | Error>();
  for (const [key, object] of used)
    resolved.set(key, await attempted(async () => await resolveContent(stored.get(object.kind) ?? [], object, project)));
  return resolved;
}

const keysUsed = ({ services }: Stack): ReadonlySet<string> =>
  new Set(
    [...services.values()].flatMap((definition) =>
      (['secret', 'config'] as const).flatMap((kind) => storedKeys(definition[`${kind}s`]).map((key) => `${kind} ${key}`)),
    ),
  );

/** What a service's `secrets` or `configs` name at the top of the file. */
const storedKeys = (entries: unknown): readonly string[] =>
  Object.values((entries ?? {}) as Readonly<Record<string, { readonly source?: unknown }>>).map(({ source }) => String(source));

async function attempted<T>(act: () => Promise<T>): Promise<T | Error> {
  try {
    return await act();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
/** What each name of an image means now. */
async function imageIds(api: ClusterCalls): Promise<ReadonlyMap<string, string>> {
  const images =
    await api.json<readonly { Id: string; RepoTags?: readonly string[] | null; RepoDigests?: readonly string[] | null }[]>('/images/json');
  return new Map(
    images.flatMap(({ Id, RepoTags, RepoDigests }) => [...(RepoTags ?? []), ...(RepoDigests ?? [])].map((name) => [name, Id])),
  );
}

/** The networks and volumes of the cluster that these steps use, by their names there. */
function used(job: Job): { readonly networks: ReadonlySet<string>; readonly volumes: ReadonlySet<string> } {
  const requests = job.waves.flatMap((wave) => wave.steps.flatMap(({ request }) => (request === undefined ? [] : [request])));
  return {
    networks: new Set(requests.flatMap((request) => Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {}))),
    volumes: new Set(requests.flatMap((request) => (request.HostConfig?.Binds ?? []).map((bind) => bind.split(':')[0] ?? ''))),
  };
}

export async function exists(api: ClusterCalls, path: string): Promise<boolean> {
  return api.json(path).then(
    () => true,
    (error: unknown) => {
      if (isKind(error, 'engine') && error.engineStatus === 404) return false;
      throw error;
    },
  );
}

export interface Missing {
  readonly kind: 'network' | 'volume';
  readonly name: string;
  /** The body that makes it, as the files ask for it. */
  readonly create: Json;
}

/** A network that has room for what the files put into it, where they name no size. */
function withRoom(create: Json, addresses: number): Json {
  const given = (create['Labels'] ?? {}) as Json;
  return { ...create, Labels: { [labels.addresses]: String(addresses), ...given } };
}

/** Networks and volumes to create first. Throws `invalid` for external ones that do not exist. */
export async function missing(api: ClusterCalls, job: Job): Promise<readonly Missing[]> {
  const names = used(job);
  const found: Missing[] = [];
  for (const kind of ['network', 'volume'] as const)
    for (const { name, create } of job.resources[`${kind}s`].values()) {
      if (!names[`${kind}s`].has(name) || (await exists(api, `/${kind}s/${encodeURIComponent(name)}`))) continue;
      if (create === undefined)
        throw new ArpanetError('invalid', `${kind} ${name} is external and does not exist: docker ${kind} create ${name}`);
      found.push({ kind, name, create: kind === 'network' ? withRoom(create, addressesNeeded(job.waves, name, job.hostCount)) : create });
    }
  return found;
}
