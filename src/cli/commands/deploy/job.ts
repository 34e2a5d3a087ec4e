/** What `arpanet deploy` is to do: the files against what the cluster has. Effects: files, the environment, HTTP requests. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { ArpanetError, type ContainerSummary, isKind, composeLabels } from '../../../model/index.ts';
import {
  envFileOf,
  parseSource,
  planStack,
  readStack,
  resourcesOf,
  type Source,
  storedObjectsOf,
  type Surroundings,
  type Wave,
} from '../../../compose/index.ts';
import { type NewContent, resolveContent, type StoredRecord } from './stored-content.ts';
import type { ApiClient } from '../../api-client.ts';
import type { HostReport } from '../../../operator-api/index.ts';
import type { ClientFlags, Terminal } from '../../command.ts';
import { familiarReference } from '../../../text/image-reference.ts';

const FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml', 'fig.yml', 'fig.yaml'];

export interface DeployFlags extends ClientFlags {
  readonly file?: readonly string[];
  readonly project?: string;
  readonly profile?: readonly string[];
  readonly plan?: boolean;
  readonly removeOrphans?: boolean;
}

export interface Job {
  readonly project: string;
  readonly waves: readonly Wave[];
  readonly orphans: readonly ContainerSummary[];
  /** Its containers that exist now. */
  readonly existing: readonly ContainerSummary[];
  readonly resources: ReturnType<typeof resourcesOf>;
  /** Secrets and configs that the store does not have yet; the containers' requests name them by placeholders until they are created. */
  readonly newContents: readonly NewContent[];
}

export async function prepare(api: ApiClient, flags: DeployFlags, only: readonly string[], { env, say }: Terminal): Promise<Job> {
  const found = FILES.find((file) => existsSync(file));
  const files = flags.file ?? (found === undefined ? [] : [found]);
  const [first] = files;
  if (first === undefined) throw new ArpanetError('invalid', `there is no ${FILES.join(', ')} in this folder: name the file with -f`);
  const folder = dirname(resolve(first));
  const variables = { ...(existsSync(`${folder}/.env`) ? envFileOf(readText(`${folder}/.env`), env) : {}), ...env };
  const read = (file: string): Source => parseSource(file, readText(file));
  const stack = readStack(files.map(read), { variables, open: (file, from) => read(resolve(dirname(from), file)) });
  for (const name of stack.unset) say(`the variable ${name} is not set: it is taken as empty`);
  const project =
    flags.project ??
    env['COMPOSE_PROJECT_NAME'] ??
    stack.name ??
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '');
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(project))
    throw new ArpanetError(
      'invalid',
      `the deployment's name is "${project}": it must have a-z, 0-9, - and _, beginning with a letter or digit; give -p NAME`,
    );
  const resources = resourcesOf(stack, project);
  const named = (kind: 'networks' | 'volumes') => (name: string) => {
    const wanted = resources[kind].get(name);
    if (wanted === undefined) throw new ArpanetError('invalid', `${kind}: "${name}" is not defined under ${kind}: at the top of the file`);
    return wanted.name;
  };
  const objects = storedObjectsOf(stack, project);
  const usedKeys = new Set(
    [...stack.services.values()].flatMap((definition) =>
      (['secret', 'config'] as const).flatMap((kind) => storedKeys(definition[`${kind}s`]).map((key) => `${kind} ${key}`)),
    ),
  );
  const used = [...objects].filter(([key]) => usedKeys.has(key));
  const stored = new Map<string, readonly StoredRecord[]>();
  for (const kind of new Set(used.map(([, object]) => object.kind))) stored.set(kind, await api.json(`/${kind}s`));
  const resolved = new Map(
    used.map(([key, object]) => [key, attempted(() => resolveContent(stored.get(object.kind) ?? [], object, folder, variables))]),
  );
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
    files: files.map((file) => resolve(file)),
    network: named('networks'),
    volume: (name) => (stack.isFig ? name : named('volumes')(name)),
    envFiles: (entries) => Object.assign({}, ...entries.map((entry) => envFileEntry(folder, entry, variables))) as Record<string, string>,
    variables,
    isFig: stack.isFig,
    imageId: (reference) => images.get(familiarReference(reference)),
    storedId,
    hostCount: hosts.filter(({ state }) => state === 'alive').length,
    hash: (text) => createHash('sha256').update(text).digest('hex'),
  };
  const filters = encodeURIComponent(JSON.stringify({ label: [`${composeLabels.project}=${project}`, `${composeLabels.oneoff}=False`] }));
  const existing = await api.json<readonly ContainerSummary[]>(`/containers/json?all=1&filters=${filters}`);
  const plan = planStack(stack, around, existing, { profiles: flags.profile ?? [], only });
  return {
    project,
    ...plan,
    existing,
    resources,
    newContents: [...resolved.values()].flatMap((one) => (one instanceof Error || 'id' in one ? [] : [one])),
  };
}

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

interface Missing {
  readonly kind: 'network' | 'volume';
  readonly name: string;
  readonly create: unknown;
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
      found.push({ kind, name, create });
    }
  return found;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ArpanetError('invalid', `cannot read ${file}`, { cause });
  }
}

/** `file`, or `{path, required}`. */
function envFileEntry(
  folder: string,
  entry: unknown,
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const { path, required = true } =
    typeof entry === 'object' && entry !== null ? (entry as { path?: string; required?: boolean }) : { path: String(entry) };
  const file = resolve(folder, path ?? '');
  return !required && !existsSync(file) ? {} : envFileOf(readText(file), variables);
}
