/**
 * Effects: reads containers, images and volumes from this host's Engine and checks each of them: one that the Engine describes wrongly, or
 * not at all, is left out and costs nobody else.
 */
import type { z } from 'zod';
import { type EngineTarget, engineError, engineJson, engineRequest } from '../../engine/request.ts';
import type { ContainerInspect, ImageSummary, VolumeSummary } from '../../model/docker.ts';
import { ArpanetError, isKind } from '../../model/errors.ts';
import type { ContainerFacts, UnreadableContainer } from '../../model/facts.ts';
import { accept, containerInspect, containerSummary, imageSummary, parseJson, volumeSummary } from '../../schemas/index.ts';
import { each } from '../../telemetry/left-out.ts';
import { withoutSlash } from '../../text/names.ts';
import { mapBounded } from '../../async/limit.ts';

const PARALLEL_READS = 8;
const TIMEOUT_MS = 30_000;
const PING_TIMEOUT_MS = 5_000;

export interface ContainersRead {
  readonly facts: readonly ContainerFacts[];
  readonly unreadable: readonly UnreadableContainer[];
}

/** Every method throws `unavailable` or `timeout` while the Engine is unreachable, and `engine` when it refuses a list. */
export interface EngineReader {
  /** Of these containers, or of all: one list call, and one inspect for each. A container that does not exist is in neither list. */
  readonly containers: (ids?: readonly string[]) => Promise<ContainersRead>;
  /** Of all containers. */
  readonly containerIds: () => Promise<readonly string[]>;
  readonly images: () => Promise<readonly ImageSummary[]>;
  readonly volumes: () => Promise<readonly VolumeSummary[]>;
}

export function createEngineReader(engine: EngineTarget, signal: AbortSignal): EngineReader {
  const get = (path: string): Promise<unknown> => engineJson(engine, { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });

  const inspect = async (id: string): Promise<ContainerInspect | undefined> => {
    const path = `/containers/${encodeURIComponent(id)}/json`;
    const answer = await engineRequest(engine, { method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw engineError(answer.status, answer.body.toString());
    return accept(containerInspect, parseJson(answer.body.toString()), 'inspect');
  };

  /** A handler of moby that panics closes the connection, as an Engine that stops does: only a ping tells the two apart. */
  const isReachable = async (): Promise<boolean> =>
    engineRequest(engine, { method: 'GET', path: '/_ping', signal, timeoutMs: PING_TIMEOUT_MS }).then(
      ({ status }) => status < 400,
      () => false,
    );

  const listContainers = async (query: string): Promise<readonly object[]> => entriesOf(await get(`/containers/json?all=1${query}`));

  return {
    async containers(ids) {
      const query = ids === undefined ? '' : `&filters=${encodeURIComponent(JSON.stringify({ id: ids }))}`;
      const listed = new Map((await listContainers(query)).map((entry) => [idOf(entry), withLabels(entry)]));
      const facts: ContainerFacts[] = [];
      const unreadable: UnreadableContainer[] = [];
      const failures: unknown[] = [];
      const setAside = (id: string, error: unknown): void => {
        failures.push(error);
        unreadable.push({ id, name: nameOf(listed.get(id)), reason: error instanceof Error ? error.message : String(error) });
      };
      await mapBounded(ids ?? [...listed.keys()], PARALLEL_READS, async (id) => {
        try {
          const found = await inspect(id);
          const entry = listed.get(id);
          if (found === undefined || entry === undefined) return;
          facts.push({ summary: accept(containerSummary, withName(entry, found), 'list'), inspect: found });
        } catch (error) {
          setAside(id, error);
        }
      });
      signal.throwIfAborted();
      const lost = failures.find((error) => isKind(error, 'unavailable', 'timeout'));
      if (lost !== undefined && !(await isReachable())) throw lost;
      return { facts: inOrder(facts, [...listed.keys()]), unreadable };
    },
    containerIds: async () => (await listContainers('')).map(idOf).filter((id) => id !== ''),
    images: async () => valid('image', 'Id', imageSummary, await get('/images/json?all=1')),
    volumes: async () => {
      const answer = await get('/volumes');
      return valid(
        'volume',
        'Name',
        volumeSummary,
        typeof answer === 'object' && answer !== null && 'Volumes' in answer ? (answer.Volumes ?? []) : [],
      );
    },
  };
}

function valid<T>(kind: string, named: 'Id' | 'Name', schema: z.ZodType<T>, list: unknown): readonly T[] {
  const nameOf = (entry: object): string => String(new Map(Object.entries(entry)).get(named) ?? 'without a name').slice(0, 80);
  return each({ kind, of: 'what the Docker Engine lists' }, entriesOf(list), nameOf, (entry) => accept(schema, entry, kind));
}

function entriesOf(list: unknown): readonly object[] {
  if (!Array.isArray(list))
    throw new ArpanetError('engine', 'the Docker Engine answered a list request with something else', { engineStatus: 500 });
  return list.filter((entry): entry is object => typeof entry === 'object' && entry !== null);
}

const idOf = (entry: object): string => ('Id' in entry && typeof entry.Id === 'string' ? entry.Id : '');

const nameOf = (entry: object | undefined): string =>
  entry !== undefined && 'Names' in entry && Array.isArray(entry.Names) ? withoutSlash(String(entry.Names[0] ?? '')) : '';

/** moby lists `Labels: null` for the containers of a classic build's steps. */
const withLabels = (entry: object): object => ('Labels' in entry && entry.Labels === null ? { ...entry, Labels: {} } : entry);

/** A container that is being removed may have lost its name in the list already. */
const withName = (entry: object, inspect: ContainerInspect): object =>
  'Names' in entry && Array.isArray(entry.Names) && entry.Names.length > 0 ? entry : { ...entry, Names: [inspect.Name] };

/** In the order of the Engine's list: reads end in any order. */
function inOrder(facts: readonly ContainerFacts[], ids: readonly string[]): readonly ContainerFacts[] {
  const place = new Map(ids.map((id, at) => [id, at]));
  return facts.toSorted((a, b) => (place.get(a.summary.Id) ?? 0) - (place.get(b.summary.Id) ?? 0));
}
