/** What `arpanet deploy` is to do: the files against what the cluster has. Effects: files, the environment, HTTP requests. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { ArpanetError, type ContainerSummary, isKind, composeLabels, type Json, labels } from '../../../model/index.ts';
import {
  addressesNeeded,
  type Plan,
  planStack,
  resourcesOf,
  type Stack,
  type StoredObject,
  storedObjectsOf,
  type Surroundings,
} from '../../../compose/index.ts';
import { type NewContent, type Resolved, resolveContent, type StoredRecord } from './stored-content.ts';
import type { ApiClient } from '../../api-client.ts';
import type { HostReport } from '../../../operator-api/index.ts';
import type { ClientFlags, Terminal } from '../../command.ts';
import { familiarReference } from '../../../text/image-reference.ts';
import { type Project, readEnvFiles, readProject } from './files.ts';

export interface DeployFlags extends ClientFlags {
  readonly file?: readonly string[];
  readonly project?: string;
  readonly profile?: readonly string[];
  readonly plan?: boolean;
  readonly build?: boolean;
  readonly removeOrphans?: boolean;
}

/** Where lines for the person go, and when it wants no more. */
export interface How {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Job extends Plan {
  readonly project: string;
  readonly folder: string;
  readonly variables: Project['variables'];
  /** Hosts that are alive. */
  readonly hostCount: number;
  /** Containers of the project that exist now. */
  readonly existing: readonly ContainerSummary[];
  readonly resources: ReturnType<typeof resourcesOf>;
  /** Secrets and configs that the store does not have yet; the containers' requests name them by placeholders until they are created. */
  readonly newContents: readonly NewContent[];
}

/** The files, each key that is ignored and each variable that is not set said once. */
export function projectOf(flags: DeployFlags, { env, say }: Pick<Terminal, 'env' | 'say'>): Project {
  const project = readProject(flags.file, env);
  for (const line of project.stack.ignored) say(line);
  for (const name of project.stack.unset) say(`the variable ${name} is not set: it is taken as empty`);
  return project;
}

export async function prepare(api: ApiClient, given: Project, flags: DeployFlags, only: readonly string[]): Promise<Job> {
  const { folder, files, variables, stack } = given;
  const project = nameOf(given, flags);
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
  const hosts = await api.json<readonly HostReport[]>('/arpanet/v1/hosts');
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
  const profiles = flags.profile ?? (variables['COMPOSE_PROFILES'] ?? '').split(',').filter(Boolean);
  return {
    ...planStack(stack, around, existing, { profiles, only }),
    project,
    folder,
    variables,
    hostCount: around.hostCount,
    existing,
    resources,
    newContents: [...resolved.values()].flatMap((one) => (one instanceof Error || 'id' in one ? [] : [one])),
  };
}

/** Throws `invalid` for a name that compose does not take either. */
function nameOf({ folder, variables, stack }: Project, { project: given }: DeployFlags): string {
  const own = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '');
  const project = given ?? variables['COMPOSE_PROJECT_NAME'] ?? stack.name ?? own;
  if (/^[a-z0-9][a-z0-9_-]*$/.test(project)) return project;
  throw new ArpanetError(
    'invalid',
    `the deployment's name is "${project}": it must have a-z, 0-9, - and _, beginning with a letter or digit; give -p NAME`,
  );
}

/** The secrets and configs that services use, against what the store has; an error where one has no content. */
async function contentsOf(
  api: ApiClient,
  { stack, folder, variables }: Project,
  objects: ReadonlyMap<string, StoredObject>,
): Promise<ReadonlyMap<string, Resolved | Error>> {
  const usedKeys = keysUsed(stack);
  const used = [...objects].filter(([key]) => usedKeys.has(key));
  const stored = new Map<string, readonly StoredRecord[]>();
  for (const kind of new Set(used.map(([, object]) => object.kind))) stored.set(kind, await api.json(`/${kind}s`));
  return new Map(
    used.map(([key, object]) => [key, attempted(() => resolveContent(stored.get(object.kind) ?? [], object, folder, variables))]),
  );
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

function attempted<T>(act: () => T): T | Error {
  try {
    return act();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
/** What each name of an image means now. */
async function imageIds(api: ApiClient): Promise<ReadonlyMap<string, string>> {
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

export async function exists(api: ApiClient, path: string): Promise<boolean> {
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
  readonly create: unknown;
}

/** A network that has room for what the files put into it, where they name no size. */
function withRoom(create: Json, addresses: number): Json {
  const given = (create['Labels'] ?? {}) as Json;
  return { ...create, Labels: { [labels.addresses]: String(addresses), ...given } };
}

/** Networks and volumes to create first. Throws `invalid` for external ones that do not exist. */
export async function missing(api: ApiClient, job: Job): Promise<readonly Missing[]> {
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
