/**
 * Long work with a host that loses its power in the middle of it. Nothing of it may go on once the host is called down: its client is given an end,
 * or another host goes on with it. Effects: requests that last.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../support/cluster/cluster.ts';
import { containersOn } from './observe.ts';
import { ORCHESTRATED } from './work-orchestrated.ts';
import { STREAMED } from './work-streamed.ts';

/** What became of one piece of work. */
export interface Ended {
  readonly kind: string;
  /** `logs with c0-3 on h2`. */
  readonly what: string;
  /** From the cut until its client was given an end, whichever; undefined: none within the bound. */
  readonly ms: number | undefined;
}

export interface Place {
  readonly cluster: Cluster;
  /** A scheduler. */
  readonly url: string;
  /** That will be cut off. */
  readonly host: Cluster['lab']['hosts'][number];
  /** One of its containers that run. */
  readonly container: string;
  /** Unlike any other of this run. */
  readonly tag: string;
  /** The work is of no interest any more. */
  readonly over: AbortSignal;
}

export interface Work {
  readonly kind: string;
  /** In ms, from the cut. */
  readonly boundMs: number;
  /** Resolves when it goes on: with its end, or with nothing if it has nothing to do with that host. */
  readonly begin: (place: Place) => Promise<{ readonly ended: Promise<unknown> } | undefined>;
  /** When the host is back: takes away what may be left of it. Whether nothing is; asked again until then. */
  readonly clear?: (place: Place) => Promise<boolean>;
}

export interface WorkUnderWay {
  /** Called at the cut; resolves with what went on until then. */
  readonly watch: () => Promise<readonly Ended[]>;
  /** Called when the host is back. */
  readonly clear: () => Promise<void>;
}

/** The host may still be on its way back. */
const CLEARED_WITHIN_MS = 60_000;

async function untilCleared(clear: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + CLEARED_WITHIN_MS;
  while (!(await clear().catch(() => false)) && Date.now() < endMs) await sleep(1_000);
}

/** How many of those that change much are under way at once. */
const ORCHESTRATED_AT_ONCE = 2;
/** The cut comes at any moment of the work. */
const LATEST_MS = 1_500;

/** Begins work with the host; `dice` (0 to 1) decides which, and when the cut is. */
export async function beginWork(cluster: Cluster, target: number, dice: number): Promise<WorkUnderWay | undefined> {
  const host = cluster.lab.hosts[target];
  const url = cluster.schedulers.find((_, index) => index !== target)?.url;
  if (host === undefined || url === undefined) return undefined;
  const container = (await containersOn(host.name, host.socket)).find(({ running }) => running)?.name;
  if (container === undefined) return undefined;
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const place: Place = { cluster, url, host, container, tag: Date.now().toString(36), over: over.signal };
  const first = Math.floor(dice * ORCHESTRATED.length);
  const some = [...ORCHESTRATED.slice(first), ...ORCHESTRATED].slice(0, ORCHESTRATED_AT_ONCE);
  // those that end by themselves begin last
  const begin = (works: readonly Work[]) =>
    Promise.all(works.map(async (work) => ({ work, going: await work.begin(place).catch(() => undefined) })));
  const begun = [...(await begin(STREAMED)), ...(await begin(some))];
  const going = new Set<Work>();
  for (const { work, going: one } of begun) {
    if (one === undefined) continue;
    going.add(work);
    one.ended.then(
      () => going.delete(work),
      () => going.delete(work),
    );
  }
  await sleep(dice * LATEST_MS);
  return {
    async watch() {
      const cutMs = Date.now();
      const all = begun.filter(({ work }) => going.has(work));
      const found = await Promise.all(
        all.map(async ({ work: { kind, boundMs }, going: one }): Promise<Ended> => {
          const settled = one?.ended.then(
            () => true,
            () => true,
          );
          const isOver = await Promise.race([settled, sleep(boundMs, false, { signal: over.signal }).catch(() => false)]);
          return { kind, what: `${kind} with ${container} on ${host.name}`, ms: isOver === true ? Date.now() - cutMs : undefined };
        }),
      );
      over.abort();
      return found;
    },
    async clear() {
      for (const { clear } of [...STREAMED, ...some]) if (clear !== undefined) await untilCleared(() => clear(place));
    },
  };
}
