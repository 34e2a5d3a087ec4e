/**
 * `POST /containers/create`, from request to answer: claim, prepare the host, create, record. Everything that was begun has its undo, so that
 * a failure at any step, or a client that disconnects, leaves nothing behind. Effects: calls to agents and Engines.
 */
import {
  ArpanetError,
  type ContainerRecord,
  isKind,
  keys,
  type NetworkRecord,
  reservedWarnings,
  withoutReserved,
} from '../../model/index.ts';
import type { CreatedContainer } from '../../contracts/index.ts';
import type { Adopt } from '../containers/adopt.ts';
import { holdBinds, missingSources, namingHost } from './bind-sources.ts';
import { type Claim, createClaim, type Claimed, type Creation } from './claim.ts';
import type { Core } from '../core.ts';
import { counted, type StageWatch, stageWatch } from '../create-metrics.ts';
import { createExposedPorts } from './exposed-ports.ts';
import { createGather } from '../containers/gather.ts';
import type { EchoWatch } from '../agents/echoes.ts';
import type { Images } from '../images/images.ts';
import type { Platforms } from '../images/platforms.ts';
import type { Addresses } from '../networks/addresses.ts';
import type { Overlays } from '../networks/overlays.ts';
import { labelMac } from './label-mac.ts';
import { recordFromLabels } from './rewrite-labels.ts';
import { packRequest } from './packed-request.ts';
import { rememberedFacts } from '../view/placeholder-containers.ts';
import type { CreatesInProgress } from './creates-in-progress.ts';
import { rewrite } from './rewrite.ts';
import type { PromisedHosts } from '../placement/promised-hosts.ts';
import { incompleteCreate, type Refusals } from './refusals.ts';
import { createUndo, type UndoStack } from './undo.ts';
import type { Volumes } from '../volumes/volumes.ts';
import { inBackground } from '../../telemetry/faults.ts';
import { neededVersion } from '../placement/request.ts';
import { olderVersion } from '../../text/api-version.ts';

const ENGINE_TIMEOUT_MS = 120_000;
const REMOVE_TIMEOUT_MS = 10_000;
const ATTEMPTS = 5;
/** After as many silent hosts the next one is waited for. */
const MOST_SILENT = 3;
/** Each waits two seconds. */
const SYNCS = 10;

export interface Pipeline {
  readonly create: (create: Creation) => Promise<CreatedContainer>;
}

export interface PipelineParts {
  readonly core: Core;
  readonly overlays: Overlays;
  readonly volumes: Volumes;
  readonly images: Images;
  readonly platforms: Platforms;
  readonly adopt: Pick<Adopt, 'host'>;
  readonly creates: CreatesInProgress;
  readonly refusals: Refusals;
  readonly addresses: Addresses;
  readonly promisedHosts: PromisedHosts;
}

export function createPipeline({
  core,
  overlays,
  volumes,
  images,
  platforms,
  adopt,
  creates,
  refusals,
  addresses,
  promisedHosts,
}: PipelineParts): Pipeline {
  const { deps, view, records, engines, echoes, keyed, syncs, commit } = core;
  const { log, dhcp } = deps;
  const claim: Claim = createClaim({ core, platforms, volumes, overlays, refusals, addresses, promisedHosts });
  const exposedPorts = createExposedPorts(core);
  const running = new Map<string, { readonly created: Promise<CreatedContainer>; readonly signal: AbortSignal }>();

  /** The answer of an earlier try of the same request, if that one came to its end. */
  async function answered(requestId: string): Promise<CreatedContainer | undefined> {
    const find = (): ContainerRecord | undefined => core.recordIndex.ofRequest(requestId);
    const record = find();
    if (record === undefined) return undefined;
    if (record.id === undefined) await adopt.host(record.host);
    const now = find();
    if (now === undefined) return undefined;
    if (now.id !== undefined) return { id: now.id, warnings: [] };
    throw incompleteCreate(now);
  }

  const leftoversOf = ({ host, name }: ContainerRecord): string => `leftovers/${host}/${name}`;

  async function run(create: Creation): Promise<CreatedContainer> {
    const askedMs = performance.now();
    const before = await answered(create.requestId);
    if (before !== undefined) return before;
    await platforms.learn(create.request.Image ?? '');
    const exposed = await exposedPorts(create.request);
    const avoid = new Set<string>();
    let hasGathered = false;
    for (let attempt = 1; ; attempt++) {
      const undo = createUndo(log);
      let watch: EchoWatch | undefined;
      let claimed: Claimed | undefined;
      let isCommitted = false;
      let isVacating = false;
      let end: (() => void) | undefined;
      const stage = stageWatch(askedMs);
      try {
        const outcome = claim({ ...create, avoid, hasGathered }, undo, exposed);
        if ('gathering' in outcome) {
          hasGathered = true;
          await gather(outcome.gathering, create.signal).catch((error: unknown) => {
            log.warn(
              { container: create.name, ...outcome.gathering, err: error },
              'what another needs beside its volume could not be made again there',
            );
          });
          continue;
        }
        if ('occupied' in outcome) {
          isVacating = true;
          await addresses.vacate(outcome.occupied);
          continue;
        }
        claimed = outcome;
        end = creates.begin(claimed.record.name);
        const hasOthers = claimed.record.decision.scored.length > 1 && avoid.size < MOST_SILENT;
        if (hasOthers) watch = echoes.watch(claimed.record.host);
        await claimed.committed;
        isCommitted = true;
        stage.end('claim');
        await deps.failpoint('create.claimed');
        const created = await make(create, claimed, undo, watch, stage);
        undo.clear();
        return created;
      } catch (error) {
        const silent = claimed !== undefined && isCommitted && hasNoAnswer(create, claimed.record.host, watch, error) ? claimed : undefined;
        const { later } = await undo.run(error, silent !== undefined);
        if (silent !== undefined) {
          const { host, name } = silent.record;
          log.warn(
            { container: name, host, requestId: create.requestId, err: error },
            'a host does not answer: its container goes to the next best',
          );
          avoid.add(host);
          // what it may have of this create is taken back when it answers
          inBackground(
            log,
            'what a silent host has of a create',
            keyed.serial(leftoversOf(silent.record), () => later),
          );
          attempt -= 1;
          continue;
        }
        if (claimed !== undefined && isCommitted && isDefinite(error)) refuseIfThere(claimed.record);
        const isLostRace = !isCommitted && isKind(error, 'conflict') && (claimed !== undefined || isVacating);
        if (!isLostRace || attempt === ATTEMPTS) throw error;
        log.debug({ container: claimed?.record.name, attempt, err: error }, 'another request was faster; deciding again');
      } finally {
        watch?.end();
        end?.();
      }
    }
  }

  /**
   * Whether it was the host that failed, and another may have what its client waits for. A connection that breaks, or an answer that does not come, says as
   * much as an echo that is missing: the leader may have been too late to ask for one.
   */
  function hasNoAnswer({ signal }: Creation, host: string, watch: EchoWatch | undefined, error: unknown): boolean {
    if (watch === undefined || signal.aborted || core.lost.aborted || !isKind(error, 'unavailable', 'timeout')) return false;
    return !watch.isOver() || watch.signal.aborted || echoes.isSilent(host) || view.host(host)?.state !== 'alive';
  }

  /** A client that got a failure must not find the container later: while the record exists, it may be finished yet. */
  function refuseIfThere({ name, createdAtMs }: ContainerRecord): void {
    const present = deps.ledger.get<ContainerRecord>(keys.container(name));
    if (present?.createdAtMs === createdAtMs && present.id === undefined)
      throw new ArpanetError('unavailable', `the create of container ${name} failed, and could not be undone yet: try again`);
  }

  async function make(
    create: Creation,
    claimed: Claimed,
    undo: UndoStack,
    watch: EchoWatch | undefined,
    stage: StageWatch,
  ): Promise<CreatedContainer> {
    const { record } = claimed;
    const { host, name } = record;
    const orSilent = <T>(work: Promise<T>): Promise<T> => watch?.orSilent(work) ?? work;
    const prepared = settle([
      images.ensure(host, create.request.Image ?? '', create.signal),
      ...claimed.networks.map((network) => overlays.ensure(network.record.id, host, watch?.signal)),
      ...claimed.knownVolumes.map((volume) => volumes.ensure(volume, host)),
      keyed.serial(leftoversOf(record), () => Promise.resolve()),
    ]);
    const [imageReference] = await orSilent(prepared);
    stage.end('prepare');
    stillWanted(create.signal);
    await deps.failpoint('create.prepared');
    const apiVersion = neededVersion(claimed.request) ?? olderVersion(create.apiVersion, view.host(host)?.facts?.apiVersion);
    const { body, connectAfter } = rewrite({
      request: claimed.request,
      identity: claimed.identity,
      name,
      networks: claimed.networks,
      apiVersion,
      imageReference: String(imageReference),
      refs: claimed.refs,
      hostDns: view.host(host)?.facts?.dns ?? { servers: [], search: [] },
      ports: record.ports,
      linkEnv: claimed.record.linkEnv ?? [],
      signed: {
        nonce: record.nonce ?? '',
        packed: packRequest(create.request),
        sign: (given) => labelMac(deps.leader, host, given),
      },
    });
    const query = `name=${encodeURIComponent(name)}${create.platform ? `&platform=${encodeURIComponent(create.platform)}` : ''}`;
    const isMounted = (path: string) => claimed.request.HostConfig?.Mounts?.some(({ Source }) => Source === path);
    const looked = claimed.identity.hostPaths.filter((path) => !isMounted(path));
    await orSilent(holdBinds(core, host, claimed.request.Labels, claimed.identity.hostPaths));
    const warnings = await orSilent(missingSources(core, host, looked));
    if (create.replacementOf !== undefined && warnings[0] !== undefined)
      throw new ArpanetError('conflict', `${name} cannot be created on host ${host}: the source path of a bind mount does not exist there`);
    // If the Engine's answer is lost the container may exist all the same.
    undo.push('container', () => removeByName(host, record), 'ofHost');
    // Not tied to the client's signal: a create cut in the middle leaves a container that nobody knows of.
    const made = engines
      .json<{ readonly Id: string; readonly Warnings?: readonly string[] | null }>(host, {
        method: 'POST',
        path: `/v${apiVersion}/containers/create?${query}`,
        body,
        signal: watch?.signal,
        timeoutMs: ENGINE_TIMEOUT_MS,
      })
      .catch((error: unknown) => {
        throw namingHost(error, host);
      });
    const answer = await orSilent(made);
    await deps.failpoint('create.joining');
    for (const { network, endpoint } of connectAfter) {
      const connect = { Container: answer.Id, EndpointConfig: endpoint };
      const path = `/v${apiVersion}/networks/${encodeURIComponent(network)}/connect`;
      await orSilent(engines.json(host, { method: 'POST', path, body: connect, signal: watch?.signal, timeoutMs: ENGINE_TIMEOUT_MS }));
    }
    // Its host has done its part: if it dies now, the container has died there.
    watch?.end();
    stage.end('engine');
    stillWanted(create.signal);
    await deps.failpoint('create.made');
    const binds = claimed.networks.flatMap(({ record: { id }, ip }) => (ip === undefined ? [] : dhcp.leases.planBind(id, ip)));
    const shown = appear(host, { containers: [answer.Id], volumes: claimed.identity.volumes.length > 0 });
    await commit([{ kind: 'put', key: keys.container(name), value: { ...record, id: answer.Id, stagesMs: stage.soFarMs() } }, ...binds]);
    await deps.failpoint('create.bound');
    await shown;
    stage.end('record');
    if (view.byId(answer.Id) === undefined && deps.ledger.get<ContainerRecord>(keys.container(name))?.id === answer.Id) {
      // its Engine is gone since then: the client is answered all the same, and finds it
      const networkOf = (id: string) => deps.ledger.get<NetworkRecord>(keys.network(id));
      records.remember(host, [rememberedFacts(record, answer.Id, networkOf, 'created')]);
    }
    await deps.failpoint('create.recorded');
    log.info(
      {
        container: name,
        id: answer.Id.slice(0, 12),
        host,
        addresses: Object.values(record.addresses),
        requestId: create.requestId,
        stagesMs: stage.soFarMs(),
      },
      'container created',
    );
    return { id: answer.Id, warnings: [...(answer.Warnings ?? []), ...warnings, ...claimed.warnings] };
  }

  /** The client's next call names this container: a slow host is asked again, for as long as it is connected. */
  async function appear(host: string, what: { readonly containers: readonly [string]; readonly volumes: boolean }): Promise<void> {
    const watch = echoes.watch(host);
    try {
      let turn = 0;
      do await watch.orSilent(syncs.sync(host, what));
      while (view.byId(what.containers[0]) === undefined && ++turn < SYNCS);
    } catch (error) {
      if (!watch.signal.aborted) throw error;
    } finally {
      watch.end();
    }
  }

  /** Only the container of this create: the name may be a stranger's, which is why the create failed. */
  async function removeByName(host: string, { name, nonce }: ContainerRecord): Promise<void> {
    const path = `/containers/${encodeURIComponent(name)}`;
    try {
      const inspect = await engines.json<{ readonly Id: string; readonly Config: { readonly Labels?: Readonly<Record<string, string>> } }>(
        host,
        {
          method: 'GET',
          path: `${path}/json`,
          timeoutMs: REMOVE_TIMEOUT_MS,
        },
      );
      if (recordFromLabels(inspect.Config.Labels ?? {})?.nonce !== nonce || view.byId(inspect.Id)?.record !== undefined) return;
      await engines.json(host, { method: 'DELETE', path: `/containers/${inspect.Id}?force=1&v=1`, timeoutMs: REMOVE_TIMEOUT_MS });
      await syncs.sync(host, { containers: [inspect.Id] });
    } catch (error) {
      if (!isKind(error, 'engine') || error.engineStatus !== 404) throw error;
    }
  }

  const gather = createGather(core, overlays, (creation) => once(creation));

  /** The same request sent twice is one create; if the client of the first try leaves and it is undone, the second begins again. */
  async function once(create: Creation): Promise<CreatedContainer> {
    for (let other = running.get(create.requestId); other !== undefined; other = running.get(create.requestId)) {
      try {
        return await other.created;
      } catch (error) {
        if (!other.signal.aborted || create.signal.aborted) throw error;
      }
    }
    const created = run(create).finally(() => running.delete(create.requestId));
    running.set(create.requestId, { created, signal: create.signal });
    return created;
  }

  return {
    async create(asked) {
      const warnings = [...reservedWarnings(asked.request.Labels), ...imageWarnings(core, asked.request.Image ?? '')];
      const created = await counted(once({ ...asked, request: withoutReserved(asked.request) }));
      return { ...created, warnings: [...warnings, ...created.warnings] };
    },
  };
}

/** The labels that we write go before those of an image. What `docker commit` leaves of them is empty. */
function imageWarnings({ images, view }: Pick<Core, 'images' | 'view'>, reference: string): readonly string[] {
  const found = images.find(reference);
  const [holder = ''] = found?.holders ?? [];
  const image = view.host(holder)?.images.find(({ Id }) => Id === found?.id);
  const given = Object.entries(image?.Labels ?? {}).filter(([, value]) => value !== '');
  return reservedWarnings(Object.fromEntries(given)).map((warning) => `image ${reference}: ${warning}`);
}

/** Whether the client may take it for the last word. */
const isDefinite = (error: unknown): boolean => !isKind(error, 'unavailable', 'not-leader', 'timeout');

function stillWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new ArpanetError('unavailable', 'the client disconnected: the create was undone');
}

/** Waits for all, so that nothing is under way when an undo begins; then rejects with the first failure. */
async function settle(work: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
