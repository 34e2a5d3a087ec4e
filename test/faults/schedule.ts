/** Which faults strike when: decided by the seed alone, so that a run's faults can be had again. Pure. */

export type FaultKind =
  | 'scheduler-kill'
  | 'scheduler-stop'
  | 'scheduler-freeze'
  | 'scheduler-cut-from-consul'
  | 'scheduler-cut-from-agents'
  | 'agent-kill'
  | 'agent-freeze'
  | 'engine-kill'
  | 'engine-stop'
  | 'host-cut'
  | 'engine-freeze'
  | 'host-loss'
  | 'host-power'
  | 'firewall-flush'
  | 'device-delete'
  | 'consul-kill'
  | 'consul-freeze'
  | 'consul-cut-from-all'
  | 'store-slow'
  | 'store-away-at-start';

export interface Fault {
  /** Since the round began. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Which of them, 0 to 2; the leader in every second scheduler fault, whoever that is then. */
  readonly target: number;
  readonly isLeader: boolean;
  readonly forMs: number;
  /** 0 to 1, for what else there is to choose. */
  readonly dice: number;
}

/** Weight, and for how long at least and at most. */
const KINDS: Readonly<Record<FaultKind, readonly [number, number, number]>> = {
  'scheduler-kill': [4, 500, 5_000],
  'scheduler-stop': [3, 500, 3_000],
  'scheduler-freeze': [2, 2_000, 25_000],
  'scheduler-cut-from-consul': [2, 3_000, 25_000],
  'scheduler-cut-from-agents': [1, 3_000, 14_000],
  'agent-kill': [3, 200, 5_000],
  'agent-freeze': [2, 2_000, 14_000],
  'engine-kill': [1, 200, 2_000],
  'engine-stop': [1, 200, 2_000],
  // It answers pings and echoes, and does no work.
  'engine-freeze': [2, 2_000, 14_000],
  'host-cut': [2, 2_000, 14_000],
  // Long enough for what was held there to come up elsewhere.
  'host-loss': [2, 50_000, 75_000],
  // The same, but nothing runs on when it is back.
  'host-power': [1, 50_000, 75_000],
  // As somebody's hand on the machine, or a firewall's reload: the agent puts it back within a pass.
  'firewall-flush': [3, 100, 1_000],
  'device-delete': [2, 11_000, 15_000],
  'consul-kill': [2, 1_000, 8_000],
  'consul-freeze': [1, 2_000, 8_000],
  'consul-cut-from-all': [1, 3_000, 15_000],
  'store-slow': [2, 5_000, 20_000],
  'store-away-at-start': [1, 5_000, 12_000],
};

/** Mulberry32: 0 to 1, the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const ALL_KINDS = Object.keys(KINDS) as readonly FaultKind[];

/** The faults of one round, in order; of these kinds. */
export function faultsOf(
  seed: number,
  round: number,
  { roundMs, everyMs, kinds = ALL_KINDS }: { readonly roundMs: number; readonly everyMs: number; readonly kinds?: readonly FaultKind[] },
): readonly Fault[] {
  const random = randomOf(seed * 1_000 + round);
  const bag = kinds.flatMap((kind) => Array.from({ length: KINDS[kind][0] }, () => kind));
  const faults: Fault[] = [];
  for (let atMs = everyMs * random(); atMs < roundMs; atMs += everyMs * (0.5 + random())) {
    const kind = bag[Math.floor(random() * bag.length)] ?? 'scheduler-kill';
    const [, least, most] = KINDS[kind];
    const forMs = Math.round(least + (most - least) * random() ** 2);
    faults.push({ atMs: Math.round(atMs), kind, target: Math.floor(random() * 3), isLeader: random() < 0.5, forMs, dice: random() });
  }
  return faults;
}
