/**
 * Effects: keeps the agents' name tables and the Consul catalog up to date. Each has a loop of its own, so that a slow agent does not keep a
 * name in the catalog. A run observes, compares and acts; a failed one is tried again with back-off, and the catalog is compared every 30 s, some nodes at a time.
 */
import { ArpanetError, isKind } from '../model/index.ts';
import type { CatalogService } from '../store/index.ts';
import { NODE_PREFIX } from './catalog.ts';
import { createCatalogPlan } from './catalog-plan.ts';
import { createCatalogRound } from './catalog-round.ts';
import { createChangeQueue } from './change-queue.ts';
import type { Registrar, RegistrarDeps } from './contract.ts';
import { createDeployments } from './deployments.ts';
import { within } from '../async/within.ts';
import { singleFlight } from '../async/single-flight.ts';
import { guarded } from '../telemetry/faults.ts';
import { counter, histogram } from '../telemetry/metrics.ts';

/**
 * The shortest time between two runs: a hundred containers that start make a hundred changes, and a host gets them in a few tables. A change
 * after a rest is handled at once.
 *
 * So one death reaches its peers' DNS without a timer: its agent reads the container at once (hostagent/inventory/inventory-plan.ts,
 * `isUrgent`), the view reports the changes of one turn of the event loop together (scheduler/view/change-listeners.ts), and then this.
 */
const RUN_EVERY_MS = 20;
/** The catalog is compared this often, if it has changed: somebody else may have written to it. The agents get an update without changes. */
const RELIST_MS = 30_000;
const PUSH_BOUND_MS = 1000;
/** For some nodes that are read, or changes that are made: a large catalog takes as many such times as it needs. */
const APPLY_BOUND_MS = 5000;
const NODES_AT_ONCE = 100;
const CHANGES_AT_ONCE = 500;
/** A stop waits no longer than this for its name to leave DNS. */
const FLUSH_BOUND_MS = 3000;
/** A new leader waits this long for hosts to join before it sends the others a table made from the store. */
const SETTLE_MS = 3000;
const BACKOFF_MS = [100, 250, 500, 1000, 2000, 5000, 10_000];

const updates = counter({
  name: 'arpanet_name_updates_total',
  help: 'Updates of the name tables of agents and of the Consul catalog, by outcome; failed ones are tried again.',
  labels: ['to', 'outcome'],
});
const updateDuration = histogram({
  name: 'arpanet_name_update_duration_seconds',
  help: 'From a change of names to the answer of all agents, or of the catalog.',
  labels: ['to'],
});

/** Runs until the signal aborts, or until the catalog says that another scheduler leads. Never throws. */
export function startRegistrar(deps: RegistrarDeps, signal: AbortSignal): Registrar {
  const { catalog, log } = deps;
  const startedMs = deps.now();
  const plan = createCatalogPlan(deps);
  /** For the agents. */
  const waiting = createChangeQueue();
  let version = 0;
  /** The agents know all but what has changed since. */
  let isTold = false;
  let toldOutside: string | undefined;
  /** The agents get an update without changes, so that they know how old their tables are. */
  let isDue = false;
  const deployments = createDeployments();
  const round = catalog && createCatalogRound(catalog, NODE_PREFIX, () => onChange());

  /** What has changed goes to both; each takes it when it runs. */
  function noteChanges(): void {
    const changes = deps.instances.changes();
    waiting.add(changes);
    if (catalog !== undefined) plan.note(changes, deps.touchedHosts());
  }

  async function push(): Promise<void> {
    noteChanges();
    const changes = waiting.take();
    const outside = deps.outside();
    const { come, gone } = deployments.note(changes);
    const outsideText = JSON.stringify(outside);
    const isWhole = !isTold;
    const isForAll = outsideText !== toldOutside;
    if (!isWhole && !isForAll && !isDue && changes.length === 0) return;
    isTold = true;
    isDue = false;
    toldOutside = outsideText;
    const at = { version: ++version, epoch: deps.epoch, atMs: deps.now() };
    const whole = { deployments: deps.instances.deployments, instances: deps.instances.all };
    const update = { ...at, outside, changes, isForAll, isWhole, deploymentsCome: come, deploymentsGone: gone, ...whole };
    await bounded(deps.push(update), PUSH_BOUND_MS, 'the agents');
  }

  /** What the catalog is known to hold is trusted once: if changing it fails, the catalog is listed again. */
  async function register(): Promise<void> {
    if (catalog === undefined) return;
    noteChanges();
    const wasKnown = !plan.isUnknown();
    try {
      await bring(catalog);
    } catch (error) {
      plan.forget();
      if (!wasKnown || isKind(error, 'not-leader') || signal.aborted) throw error;
      await bring(catalog);
    }
  }

  async function bring(to: NonNullable<typeof catalog>): Promise<void> {
    if (plan.isUnknown()) plan.listed(await listed(to));
    else if (round?.isDue() === true) {
      const { nodes, found } = await bounded(round.look(plan.nodes), APPLY_BOUND_MS, 'the catalog');
      plan.looked(nodes, found);
    }
    const changes = plan.changes();
    for (const part of partsOf(changes, CHANGES_AT_ONCE)) await bounded(to.apply(part), APPLY_BOUND_MS, 'the catalog');
    if (changes.length > 0) log.debug({ changes: changes.length }, 'catalog changed');
    plan.done();
  }

  /** All services that arpanet has in it. */
  async function listed(from: NonNullable<typeof catalog>): Promise<readonly CatalogService[]> {
    const nodes = await bounded(from.nodes(NODE_PREFIX), APPLY_BOUND_MS, 'the catalog');
    const all: CatalogService[] = [];
    for (const part of partsOf(nodes, NODES_AT_ONCE))
      all.push(...(await bounded(from.list(NODE_PREFIX, part), APPLY_BOUND_MS, 'the catalog')));
    return all;
  }

  async function catalogDrift(): ReturnType<Registrar['catalogDrift']> {
    if (catalog === undefined) return [];
    const all = await listed(catalog);
    noteChanges();
    return plan.drift(all);
  }

  const stopped = new AbortController();
  const ended = AbortSignal.any([signal, stopped.signal]);
  const toAgents = persistent('name table', push, () => (isTold = false));
  const toCatalog = persistent('catalog', register, plan.forget);

  /** Runs that share what was asked for meanwhile, and are tried again after a failure. Never rejects. */
  function persistent(what: string, run: () => Promise<void>, forget: () => void): () => Promise<void> {
    let failures = 0;
    let timer: NodeJS.Timeout | undefined;
    const go = singleFlight(async () => {
      if (ended.aborted) return;
      clearTimeout(timer);
      const sinceMs = performance.now();
      try {
        await run();
        updates.inc({ to: what, outcome: 'done' });
        updateDuration.observe((performance.now() - sinceMs) / 1000, { to: what });
        if (failures > 0) log.info({ what, failures }, 'names are up to date again');
        failures = 0;
      } catch (error) {
        forget();
        if (ended.aborted) return;
        if (isKind(error, 'not-leader')) return stopped.abort();
        updates.inc({ to: what, outcome: 'failed' });
        if (failures === 0) log.warn({ err: error, what }, 'cannot update names; trying again');
        const waitMs = BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)];
        timer = setTimeout(guarded(log, 'updating names', go), waitMs);
      }
    });
    ended.addEventListener('abort', () => clearTimeout(timer), { once: true });
    return go;
  }

  const isSettling = () => deps.now() - startedMs < SETTLE_MS && deps.hosts().some((host) => host.state === 'joining');
  const runAll = async (): Promise<void> => {
    await Promise.all([isSettling() ? undefined : toAgents(), toCatalog()]);
  };
  let nextRun: NodeJS.Timeout | undefined;
  let ranAtMs = Number.NEGATIVE_INFINITY;
  const onChange = (): void => {
    const waitMs = Math.max(0, ranAtMs + RUN_EVERY_MS - deps.now());
    nextRun ??= setTimeout(
      guarded(log, 'updating names', () => {
        nextRun = undefined;
        ranAtMs = deps.now();
        return runAll();
      }),
      waitMs,
    );
  };
  if (!ended.aborted) {
    const settled = setTimeout(onChange, SETTLE_MS);
    const compareAll = setInterval(() => {
      isDue = true;
      round?.begin();
      onChange();
    }, RELIST_MS);
    ended.addEventListener(
      'abort',
      () => {
        clearTimeout(nextRun);
        clearTimeout(settled);
        clearInterval(compareAll);
        round?.stop();
      },
      { once: true },
    );
    deps.onChange(onChange, ended);
    onChange();
  }
  const flush = (): Promise<void> =>
    bounded(Promise.all([toAgents(), toCatalog()]), FLUSH_BOUND_MS, 'names').then(
      () => {},
      () => log.debug('names are not up to date yet; going on'),
    );
  return {
    flush,
    catalogDrift,
    renew() {
      isTold = false;
      plan.forget();
      return flush();
    },
  };
}

function* partsOf<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

const bounded = <T>(work: Promise<T>, ms: number, who: string): Promise<T> =>
  within(ms, work, () => new ArpanetError('timeout', `${who} did not answer within ${ms} ms`));
