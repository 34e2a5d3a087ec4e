/** A run of the fault lab: rounds of faults under load, each followed by peace, in which everything must come right. Effects: a whole cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../support/cluster/cluster.ts';
import { promisedMs } from '../support/promised.ts';
import { cameBack, type Held, type History, type Observation, type Operation, violations } from './checker.ts';
import { createClient, makeHeld } from './clients.ts';
import { type Harm, settled, startFaultLab, strike, type Struck } from './lab.ts';
import { joinSimulated, type SimulatedHosts } from './simulated.ts';
import { observe, observeEnd, observeSettled } from './observe.ts';
import { ALL_KINDS, type FaultKind, faultsOf } from './schedule.ts';

export interface RunOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  /** No fault lasts longer; unbounded unless told. */
  readonly longestMs?: number;
  /** Default: all. */
  readonly kinds?: readonly FaultKind[];
  /** How many clients work meanwhile; 3 unless told. */
  readonly clients?: number;
  /** Beside the real hosts. */
  readonly others?: Pick<SimulatedHosts, 'fill' | 'clear'>;
}

export interface RunReport {
  readonly seed: number;
  readonly minutes: number;
  /** How often each kind struck. */
  readonly faults: Readonly<Record<string, number>>;
  readonly operations: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** From the end of a round's last fault until one leads and all hosts are alive, and until an audit finds nothing. */
  readonly settledMs: readonly number[];
  readonly slowestMs: number;
  /** How long it took, sorted, until another led after the leader was killed or stopped, other faults under way or not. */
  readonly failoverMs: readonly number[];
  /** From a host's being cut off until none of its plain containers is in the DNS of another; and until what was held there runs elsewhere. Sorted. */
  readonly outOfDnsMs: readonly number[];
  readonly replacedMs: readonly number[];
  /** From a host's being cut off until clients of long work with it were given an end, by kind. Sorted. */
  readonly workEndedMs: Readonly<Record<string, readonly number[]>>;
  /** Refusals with an Engine's own 500, after it was killed or stopped. */
  readonly engineRefusals: readonly string[];
  readonly violations: readonly string[];
}

/** Beside those of the Engine itself: faults after which it may refuse in its own words. */
const DISTURBS_ENGINE: ReadonlySet<string> = new Set<FaultKind>(['host-power', 'device-delete']);
const ROUND_MS = 45_000;
const EVERY_MS = 3_000;
const OBSERVE_EVERY_MS = 3_000;
const PAUSE_MS = 150;
const CLIENTS = 3;
const HELD_COUNT = 3;
/** A session may have to expire, and a host to be missed and found again. */
const SETTLE_BOUND_MS = 60_000;

/** `simulated`: how many such hosts there are beside the real ones. */
export async function runFaults({ simulated, ...options }: RunOptions & { readonly simulated: number }): Promise<RunReport> {
  await using cluster = await startFaultLab();
  await using others = await joinSimulated(cluster, simulated);
  return await runOn(cluster, { ...options, others });
}

/** The same on a lab that is there. */
export async function runOn(
  cluster: Cluster,
  { minutes, seed, say, longestMs = Number.POSITIVE_INFINITY, kinds = ALL_KINDS, clients: clientCount = CLIENTS, others }: RunOptions,
): Promise<RunReport> {
  await others?.fill();
  const startMs = Date.now();
  const endMs = startMs + minutes * 60_000;
  const operations: Operation[] = [];
  const observations: Observation[] = [];
  const counts: Record<string, number> = {};
  const settledMs: number[] = [];
  const failoverMs: number[] = [];
  const outOfDnsMs: number[] = [];
  const replacedMs: number[] = [];
  const workEndedMs: Record<string, number[]> = {};
  const hanging: string[] = [];
  const engineFaults: { startedMs: number; endedMs: number }[] = [];
  const heldNames = await makeHeld(cluster, HELD_COUNT, startMs, operations);
  const first = await observe(cluster, startMs);
  const held = heldNames.map((name): Held => {
    const found = first.containers.find((container) => container.name === name);
    return { name, address: found?.addresses[0]?.split('/')[1] ?? '' };
  });
  const clients = Array.from({ length: clientCount }, (_, index) => createClient(cluster, `c${index}`, seed + index, startMs, operations));

  for (let round = 0; Date.now() < endMs; round++) {
    const roundMs = Math.max(15_000, Math.min(ROUND_MS, endMs - Date.now()));
    const peace = new AbortController();
    const loops = [
      ...clients.map((client) => repeat(() => client.step(), PAUSE_MS, peace.signal)),
      repeat(async () => void observations.push(await observe(cluster, startMs)), OBSERVE_EVERY_MS, peace.signal),
    ];
    const struck = (kind: string, after: Struck): void => {
      counts[kind] = (counts[kind] ?? 0) + 1;
      const [from, to] = [after.startedMs, after.endedMs].map((ms) => ((ms - startMs) / 1_000).toFixed(1));
      const work = after.work.map(({ kind: one, ms }) => `${one} ${ms ?? 'went on'}`);
      say(`  ${from} to ${to} s: ${kind} ${after.target}${work.length === 0 ? '' : `: ${work.join(', ')}`}`);
      if (after.failoverMs !== undefined) failoverMs.push(after.failoverMs);
      if (after.loss?.outOfDnsMs !== undefined) outOfDnsMs.push(after.loss.outOfDnsMs);
      if (after.loss?.replacedMs !== undefined) replacedMs.push(after.loss.replacedMs);
      for (const { kind: work, what, ms } of after.work) {
        if (ms === undefined) hanging.push(`hang: ${what}, which was cut off, went on`);
        else (workEndedMs[work] ??= []).push(ms);
      }
      if (kind.startsWith('engine') || DISTURBS_ENGINE.has(kind))
        engineFaults.push({ startedMs: after.startedMs - startMs, endedMs: after.endedMs - startMs });
    };
    const faults = faultsOf(seed, round, { roundMs, everyMs: EVERY_MS, kinds }).map((fault) => ({
      ...fault,
      forMs: Math.min(fault.forMs, longestMs),
    }));
    await strikeAll(cluster, faults, struck, say);
    peace.abort();
    const loopsDone = Promise.all(loops);
    settledMs.push(await settled(cluster, SETTLE_BOUND_MS));
    await loopsDone;
    const seen = await comesRight(() => observeSettled(cluster, startMs), { held, operations });
    observations.push(seen);
    const wrong = wrongIn(seen, { held, operations });
    const count = Object.values(counts).reduce((sum, one) => sum + one, 0);
    say(
      `round ${round}: ${count} faults, ${operations.length} operations, settled in ${settledMs.at(-1)} ms, out of DNS ${outOfDnsMs.join(' ')}, replaced ${replacedMs.join(' ')}${wrong.map((one) => `\n  ${one}`).join('')}`,
    );
  }
  const refused: string[] = [];
  for (const client of clients) refused.push(...(await client.clear()));
  const clearHeld = createClient(cluster, 'end', seed, startMs, operations);
  refused.push(...(await clearHeld.clear(heldNames)));
  await others?.clear();
  observations.push(await comesRight(() => observeEnd(cluster, startMs), { held: [], operations }));
  const sorted = (figures: number[]): readonly number[] => figures.sort((x, y) => x - y);
  const figures = {
    failoverMs: sorted(failoverMs),
    outOfDnsMs: sorted(outOfDnsMs),
    replacedMs: sorted(replacedMs),
    workEndedMs: Object.fromEntries(Object.entries(workEndedMs).map(([kind, figures]) => [kind, sorted(figures)])),
  };
  return report(
    { seed, minutes, faults: counts, settledMs, ...figures },
    { operations, observations, held, engineFaults, longestMs: promisedMs(30_000) },
    [...refused, ...hanging],
  );
}

async function strikeAll(
  cluster: Cluster,
  faults: ReturnType<typeof faultsOf>,
  struck: (kind: string, after: Struck) => void,
  say: (line: string) => void,
): Promise<void> {
  const harm: Harm = { parts: new Set() };
  const sinceMs = Date.now();
  const underWay: Promise<void>[] = [];
  for (const fault of faults) {
    await sleep(Math.max(0, fault.atMs - (Date.now() - sinceMs)));
    const done = strike(cluster, harm, fault, (ms) => sleep(ms)).then(
      (after) => (after === undefined ? undefined : struck(fault.kind, after)),
      (error: unknown) => say(`  ${fault.kind} ${fault.target} could not be done: ${String(error)}`),
    );
    underWay.push(done);
  }
  await Promise.all(underWay);
}

/** Looks until nothing is wrong, within the bound; what is wrong then is told. */
export async function comesRight(
  look: () => Promise<Observation>,
  known: { readonly held: readonly Held[]; readonly operations?: readonly Operation[] },
  boundMs = SETTLE_BOUND_MS,
): Promise<Observation> {
  const startMs = Date.now();
  const isOver = (): boolean => Date.now() - startMs > promisedMs(boundMs);
  for (;;) {
    const seen = await look().catch((error: unknown) => (isOver() ? Promise.reject(error as Error) : undefined));
    if (seen !== undefined && (isOver() || wrongIn(seen, known).length === 0)) return seen;
    await sleep(1_000);
  }
}

/** What was removed while its host was away goes when that is back, one after the other: it has the same time as all else. */
const wrongIn = (seen: Observation, { held, operations = [] }: Parameters<typeof comesRight>[1]): readonly string[] => [
  ...violations({ operations: [], observations: [seen], held }),
  ...cameBack({ operations, observations: [seen] }),
];

async function repeat(act: () => Promise<void>, pauseMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await act();
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function report(
  run: Pick<RunReport, 'seed' | 'minutes' | 'faults' | 'settledMs' | 'failoverMs' | 'outOfDnsMs' | 'replacedMs' | 'workEndedMs'>,
  history: History,
  refused: readonly string[],
): RunReport {
  const { operations } = history;
  return {
    ...run,
    operations: operations.length,
    acknowledged: operations.filter(({ status }) => status >= 200 && status < 300).length,
    refused: operations.filter(({ status }) => status === 503).length,
    slowestMs: Math.max(0, ...operations.map(({ startedMs, endedMs }) => endedMs - startedMs)),
    engineRefusals: operations.flatMap(({ kind, name, status, message = '' }) =>
      status === 500 ? [`${kind} ${name}: ${message.trim()}`] : [],
    ),
    violations: [...refused, ...violations(history)],
  };
}
