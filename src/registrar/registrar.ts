/**
 * Effects: keeps the agents' name tables and the Consul catalog true. Each has a lane of its own, so that a slow agent does not keep a name
 * in the catalog. A run: observe, diff, act; after a failure again, later and later; everything anew every half minute.
 */
import { ArpanetError, isKind, type NameTable } from '../model/index.ts';
import type { CatalogChange, CatalogService } from '../store/index.ts';
import { applied, catalogMaker, diff, NODE_PREFIX, outsideRegistrations } from './catalog.ts';
import type { Registrar, RegistrarDeps } from './contract.ts';
import { lane } from './single-flight.ts';

const COALESCE_MS = 20;
const RELIST_MS = 30_000;
const PUSH_BOUND_MS = 1000;
const APPLY_BOUND_MS = 5000;
/** A stop does not wait any longer than this for its name to go. */
const FLUSH_BOUND_MS = 3000;
/** How long a fresh leader waits for hosts to come back before it tells the others about them from memory. */
const SETTLE_MS = 3000;
const BACKOFF_MS = [100, 250, 500, 1000, 2000, 5000, 10_000];

/** Runs until the signal aborts. */
export function startRegistrar(deps: RegistrarDeps, signal: AbortSignal): Registrar {
  const { catalog, log } = deps;
  const startedMs = deps.now();
  const catalogOf = catalogMaker();
  let version = 0;
  let pushedText: string | undefined;
  let actual: readonly CatalogService[] | undefined;

  async function push(): Promise<void> {
    const instances = deps.instances();
    const outside = deps.outside();
    const text = JSON.stringify([instances, outside]);
    if (text === pushedText) return;
    pushedText = text;
    const table: NameTable = { version: ++version, epoch: deps.epoch, atMs: deps.now(), instances, outside };
    await bounded(deps.push(table), PUSH_BOUND_MS, 'the agents');
  }

  /** What the catalog was found to hold is believed once: if changing it fails, it is listed anew. */
  async function register(): Promise<void> {
    if (catalog === undefined) return;
    const believed = actual;
    actual = undefined;
    try {
      actual = await bring(catalog, believed);
    } catch (error) {
      if (believed === undefined || isKind(error, 'not-leader') || signal.aborted) throw error;
      actual = await bring(catalog, undefined);
    }
  }

  function changesFor(there: readonly CatalogService[]): readonly CatalogChange[] {
    const hosts = deps.hosts();
    const joining = new Set(hosts.filter((host) => host.state === 'joining').map((host) => NODE_PREFIX + host.name));
    const known = (service: CatalogService) => !joining.has(service.node);
    return diff([...catalogOf(deps.instances(), hosts).filter(known), ...outsideRegistrations(deps.outside())], there.filter(known));
  }

  async function bring(
    to: NonNullable<typeof catalog>,
    believed: readonly CatalogService[] | undefined,
  ): Promise<readonly CatalogService[]> {
    const there = believed ?? (await bounded(to.list(NODE_PREFIX), APPLY_BOUND_MS, 'the catalog'));
    const changes = changesFor(there);
    if (changes.length === 0) return there;
    await bounded(to.apply(changes), APPLY_BOUND_MS, 'the catalog');
    log.debug({ changes: changes.length }, 'catalog changed');
    return applied(there, changes);
  }

  async function catalogDrift(): Promise<readonly CatalogChange[]> {
    if (catalog === undefined) return [];
    const there = await bounded(catalog.list(NODE_PREFIX), APPLY_BOUND_MS, 'the catalog');
    return changesFor(there);
  }

  const stopped = new AbortController();
  const over = AbortSignal.any([signal, stopped.signal]);
  const toAgents = persistent('name table', push, () => (pushedText = undefined));
  const toCatalog = persistent('catalog', register, () => (actual = undefined));

  /** A lane that tries again by itself after a failure. Never rejects. */
  function persistent(what: string, run: () => Promise<void>, forget: () => void): () => Promise<void> {
    let failures = 0;
    let timer: NodeJS.Timeout | undefined;
    const go = lane(async () => {
      if (over.aborted) return;
      clearTimeout(timer);
      try {
        await run();
        if (failures > 0) log.info({ what, failures }, 'names are up to date again');
        failures = 0;
      } catch (error) {
        forget();
        if (over.aborted) return;
        if (isKind(error, 'not-leader')) return stopped.abort();
        if (failures === 0) log.warn({ err: error, what }, 'cannot bring names up to date, trying again');
        const waitMs = BACKOFF_MS[Math.min(failures++, BACKOFF_MS.length - 1)];
        timer = setTimeout(() => void go(), waitMs);
      }
    });
    over.addEventListener('abort', () => clearTimeout(timer), { once: true });
    return go;
  }

  const isSettling = () => deps.now() - startedMs < SETTLE_MS && deps.hosts().some((host) => host.state === 'joining');
  const runAll = async (): Promise<void> => {
    await Promise.all([isSettling() ? undefined : toAgents(), toCatalog()]);
  };
  let soon: NodeJS.Timeout | undefined;
  const onChange = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      void runAll();
    }, COALESCE_MS);
  };
  if (!over.aborted) {
    const settled = setTimeout(onChange, SETTLE_MS);
    const anew = setInterval(() => {
      pushedText = undefined;
      actual = undefined;
      onChange();
    }, RELIST_MS);
    over.addEventListener(
      'abort',
      () => {
        clearTimeout(soon);
        clearTimeout(settled);
        clearInterval(anew);
      },
      { once: true },
    );
    deps.onChange(onChange, over);
    onChange();
  }
  const flush = (): Promise<void> =>
    bounded(Promise.all([toAgents(), toCatalog()]), FLUSH_BOUND_MS, 'names').then(
      () => {},
      () => log.debug('names are not up to date yet: going on without'),
    );
  return {
    flush,
    catalogDrift,
    renew() {
      pushedText = undefined;
      actual = undefined;
      return flush();
    },
  };
}

async function bounded<T>(work: Promise<T>, ms: number, who: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ArpanetError('timeout', `${who} did not answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
