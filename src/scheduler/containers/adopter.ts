/**
 * When records and Engines are compared: when a host's snapshot is in, soon after a stray is seen, now and then, and when operators ask for it.
 * Effects: timers; those of adopt.
 */
import type { ContainerView } from '../../model/index.ts';
import type { Core } from '../core.ts';
import type { Adopt } from './adopt.ts';
import type { Lifecycle } from './lifecycle.ts';
import { singleFlight } from '../../async/single-flight.ts';
import { patientlyFor } from '../../async/within.ts';
import { guarded } from '../../telemetry/faults.ts';

/** What an unreachable store, or a crash, left undone is found again, however it came about. */
const RECONCILE_EVERY_MS = 30_000;
/** Some hosts a second: 300 of them in half a minute, and more in as much longer. */
const TURN_MS = 1_000;
const HOSTS_A_TURN = 10;
/** An Engine that hangs keeps its own host waiting, and the others no longer than this. */
const TURN_PATIENCE_MS = 10_000;
/** A labelled container without a record gets this long to be claimed by the create that made it. */
const STRAY_AFTER_MS = 3_000;

export interface Adopter {
  /** Compares one host now; what could not be done yet is tried again soon. */
  readonly host: (host: string) => Promise<void>;
  /** Compares all hosts that are alive, and gives back what nobody holds. */
  readonly all: () => Promise<void>;
}

export function startAdopter(core: Core, adopt: Adopt, lifecycle: Pick<Lifecycle, 'removed'>): Adopter {
  const { view, triggers, deps, lost } = core;
  const { log } = deps;
  const soon = new Map<string, NodeJS.Timeout>();

  async function host(name: string): Promise<void> {
    if (!(await adopt.host(name))) later(name);
  }

  function later(name: string): void {
    if (soon.has(name) || lost.aborted) return;
    const timer = setTimeout(() => {
      soon.delete(name);
      compare(name);
    }, STRAY_AFTER_MS);
    soon.set(name, timer);
  }

  const compare = guarded(log, 'comparing a host', host);

  async function forget(container: ContainerView): Promise<void> {
    try {
      await lifecycle.removed(container);
    } catch (error) {
      log.warn({ container: container.name, err: error }, 'could not release the addresses of a removed container; trying again later');
      later(container.host);
    }
  }

  const members = (): string[] => view.hosts().map(({ name }) => name);

  async function all(): Promise<void> {
    await Promise.all(members().map((name) => host(name)));
    await adopt.leftovers();
  }

  let roundAtMs = deps.now();
  /** Of the round under way, hosts that are to be compared still. */
  let left: string[] = [];

  async function turn(): Promise<void> {
    if (left.length === 0) {
      if (deps.now() - roundAtMs < RECONCILE_EVERY_MS) return;
      roundAtMs = deps.now();
      left = members();
    }
    const isLast = left.length <= HOSTS_A_TURN;
    await patientlyFor(TURN_PATIENCE_MS, Promise.all(left.splice(0, HOSTS_A_TURN).map((name) => host(name))));
    if (isLast) await adopt.leftovers();
  }

  triggers.on('snapshot-applied', compare);
  triggers.on('stray-seen', later);
  triggers.on('container-gone', guarded(log, 'forgetting a container', forget));
  const timer = setInterval(guarded(log, 'comparing all hosts', singleFlight(turn)), TURN_MS);
  lost.addEventListener('abort', () => {
    clearInterval(timer);
    for (const waiting of soon.values()) clearTimeout(waiting);
  });
  return { host, all };
}
