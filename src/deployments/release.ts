/** A deployment's end: all that it has is removed. Effects: HTTP requests. */
import type { Released } from '../contracts/index.ts';
import { ArpanetError, type ContainerSummary, composeLabels, isKind } from '../model/index.ts';
import { removeContainer } from './carry-out.ts';
import { type ClusterCalls, type How, worked } from './calls.ts';
import { stillWanted } from './unfinished.ts';

/** What of it there is. */
interface Holdings {
  readonly hasServices: boolean;
  readonly networks: readonly { readonly Id: string; readonly Name: string }[];
  readonly volumes: readonly { readonly Name: string }[];
  readonly kept: readonly (readonly [kind: 'secret' | 'config', id: string, name: string])[];
}

interface Kept {
  readonly ID: string;
  readonly Spec: { readonly Name: string };
}

/** What is already gone is no error. */
const unlessGone = (error: unknown): undefined => {
  if (isKind(error, 'engine') && error.engineStatus === 404) return undefined;
  throw error;
};

const ofProject = (project: string): string => encodeURIComponent(JSON.stringify({ label: [`${composeLabels.project}=${project}`] }));

async function containersOf(api: ClusterCalls, project: string): Promise<readonly ContainerSummary[]> {
  return await api.json<readonly ContainerSummary[]>(`/containers/json?all=1&filters=${ofProject(project)}`);
}

async function holdingsOf(api: ClusterCalls, project: string): Promise<Holdings> {
  const filters = ofProject(project);
  const services = await api.v1.call('getServices', { of: project }).catch(unlessGone);
  const { Volumes } = await api.json<{ Volumes: Holdings['volumes'] | null }>(`/volumes?filters=${filters}`);
  const kept = async (kind: 'secret' | 'config') =>
    (await api.json<readonly Kept[]>(`/${kind}s?filters=${filters}`)).map(({ ID, Spec }) => [kind, ID, Spec.Name] as const);
  return {
    hasServices: services !== undefined && services.length > 0,
    networks: await api.json<Holdings['networks']>(`/networks?filters=${filters}`),
    volumes: Volumes ?? [],
    kept: [...(await kept('secret')), ...(await kept('config'))],
  };
}

/**
 * `begun` is called before the first removal, and not where there is nothing. Throws `not-found` where there is nothing of it and `isKnown` does not say
 * otherwise, Stopped once the signal aborts, and what a removal is refused with.
 */
export async function release(
  api: ClusterCalls,
  project: string,
  {
    isWithVolumes,
    isKnown,
    begun,
    say,
    signal,
  }: How & { readonly isWithVolumes: boolean; readonly isKnown: boolean; readonly begun: () => Promise<void> },
): Promise<Released> {
  const found = await holdingsOf(api, project);
  const before = await containersOf(api, project);
  const volumes = isWithVolumes ? found.volumes : [];
  const count = before.length + found.networks.length + volumes.length + found.kept.length;
  if (count === 0 && !found.hasServices && !isKnown) throw new ArpanetError('not-found', `no such deployment: ${project}`);
  stillWanted(signal);
  await begun();
  const removed: string[] = [];
  const gone = (what: string): void => {
    removed.push(what);
    say(`${what}: removed`);
  };
  // first what the cluster would replace otherwise
  if (found.hasServices) await worked(api, 'postServicesRm', { body: { services: [project] } }, { say, signal });
  const left = await containersOf(api, project);
  const isLeft = new Set(left.map(({ Id }) => Id));
  for (const { Id, Names } of before) if (!isLeft.has(Id)) removed.push(`container ${Names[0]?.slice(1) ?? Id}`);
  for (const { Id, Names } of left) {
    stillWanted(signal);
    await removeContainer(api, Id, say).catch(unlessGone);
    gone(`container ${Names[0]?.slice(1) ?? Id}`);
  }
  const others = [
    ...found.networks.map(({ Id, Name }) => [`/networks/${Id}`, `network ${Name}`] as const),
    ...volumes.map(({ Name }) => [`/volumes/${encodeURIComponent(Name)}`, `volume ${Name}`] as const),
    ...found.kept.map(([kind, id, name]) => [`/${kind}s/${id}`, `${kind} ${name}`] as const),
  ];
  for (const [path, what] of others) {
    stillWanted(signal);
    await api.json(path, { method: 'DELETE' }).catch(unlessGone);
    gone(what);
  }
  return { project, removed };
}
