/**
 * Looks at each canary every 5 s while this scheduler leads, and does what follows from how it does (canary-judge.ts). Effects: timers; questions to agents; what its deps do.
 * Hosts are asked while there is a canary, and not otherwise.
 */
import type { Progress } from '../../contracts/index.ts';
import { type HttpTotals, isKind, serviceKey, type ServiceId, type ServiceRecord } from '../../model/index.ts';
import { createKeyed } from '../../async/keyed.ts';
import { inBackground } from '../../telemetry/faults.ts';
import type { Core } from '../core.ts';
import { pauseWhileLeading, refuseLost } from '../leading.ts';
import { afterLook, judgeCanary, type Looks, nextOfCanary, type Seen, totalsOf, type Verdict } from '../rollout/canary-judge.ts';
import { canaryOfService, serviceOfCanary } from '../rollout/canary-plan.ts';
import { fitness } from '../rollout/rollout-plan.ts';

/** One that does worse is gone so long after the figures that show it. */
const LOOK_EVERY_MS = 5_000;

export interface CanaryJudged extends Verdict {
  readonly base: HttpTotals;
  readonly canary: HttpTotals;
}

/** What became of a canary in the end. */
export interface CanaryEnd {
  readonly how: 'promoted' | 'taken back' | 'ended by somebody';
  readonly why: string;
}

export interface CanaryWatchDeps {
  /** Its instances go; its record stays, and says why. */
  readonly takeBack: (service: ServiceId, why: string) => Promise<void>;
  /** The service becomes what it is. Resolves with why it did not; undefined: it has. */
  readonly promote: (service: ServiceId, why: string, progress: Progress) => Promise<string | undefined>;
}

export interface CanaryWatch {
  /** How the canary of this service does, as of now. */
  readonly judged: (service: ServiceId) => Promise<CanaryJudged>;
  /** Until it has ended. `progress`: each other verdict. Throws `unavailable` when this scheduler no longer leads. */
  readonly follow: (service: ServiceId, progress: Progress) => Promise<CanaryEnd>;
  /** Follows what an earlier leader began. */
  readonly resume: () => void;
  /** While somebody promotes it nothing is done about it. */
  readonly leaveAlone: <T>(service: ServiceId, act: () => Promise<T>) => Promise<T>;
}

export function createCanaryWatch(core: Core, { takeBack, promote }: CanaryWatchDeps): CanaryWatch {
  const { deps, lost } = core;
  const { names, hosts } = deps.scheduler;
  const looks = new Map<string, Looks>();
  const keyed = createKeyed();
  const leftAlone = new Set<string>();
  const recordOf = (service: ServiceId): ServiceRecord | undefined => core.record(canaryOfService(service));
  /** Another canary of the service is another one. */
  const keyOf = (service: ServiceId): string => `${serviceKey(service)} ${recordOf(service)?.createdAtMs}`;

  async function figures(): Promise<Seen> {
    const edges = hosts.list().filter(({ state, facts }) => state === 'alive' && facts?.http === 'edge');
    const all = await Promise.all(
      edges.map(async ({ name: host }) => ({ host, own: await names.httpFigures(host).catch(() => undefined) })),
    );
    const answered = all.flatMap(({ host, own }) => (own === undefined ? [] : [{ host, own }]));
    return {
      hosts: answered.map(({ host }) => host),
      figures: answered.flatMap(({ host, own }) => own.map((one) => ({ ...one, host }))),
    };
  }

  const idsOf = (id: ServiceId): ReadonlySet<string> => new Set(core.instances(id).map((one) => one.id));

  /** One after the other: each counts from the one before. */
  const look = (service: ServiceId): Promise<Looks> =>
    keyed.serial(serviceKey(service), async () => {
      const key = keyOf(service);
      const found = await figures();
      const sides = { base: idsOf(service), canary: idsOf(canaryOfService(service)) };
      const after = afterLook(looks.get(key), found, sides, deps.now());
      if (key === keyOf(service)) looks.set(key, after);
      return after;
    });

  /** What is wrong with an instance that nobody has stopped. */
  function failed(service: ServiceId): string | undefined {
    const { record, instances } = core.view(canaryOfService(service));
    if (record === undefined) return undefined;
    const states = instances
      .filter(({ id }) => !record.stopped.includes(id))
      .map((one) => fitness(one, record.update, record.createdAtMs, deps.now()));
    return states.flatMap((state) => (typeof state === 'object' ? [state.failed] : []))[0];
  }

  async function judged(service: ServiceId): Promise<CanaryJudged> {
    const { base, canary } = totalsOf(await look(service));
    const why = failed(service);
    return { base, canary, ...(why === undefined ? judgeCanary(base, canary) : { verdict: 'bad', why }) };
  }

  /** Undefined: it goes on. */
  async function step(service: ServiceId, progress: Progress, said: { verdict: string }): Promise<CanaryEnd | undefined> {
    const verdict = await judged(service);
    const record = recordOf(service);
    if (record === undefined || leftAlone.has(serviceKey(service))) return undefined;
    const { why } = verdict;
    if (verdict.verdict !== said.verdict) progress(`${serviceKey(service)}: the canary: ${why}`);
    said.verdict = verdict.verdict;
    const ageMs = deps.now() - record.createdAtMs;
    const next = nextOfCanary(verdict, { ageMs, promoteAfterMs: record.canary?.promoteAfterMs });
    if (next === 'wait') return undefined;
    const failure = next === 'take back' ? why : await promote(service, why, progress);
    if (failure === undefined) return { how: 'promoted', why };
    await takeBack(service, failure);
    return { how: 'taken back', why: failure };
  }

  async function follow(service: ServiceId, progress: Progress): Promise<CanaryEnd> {
    const said = { verdict: '' };
    const key = keyOf(service);
    try {
      for (;;) {
        const record = recordOf(service);
        if (record === undefined || serviceOfCanary(record) === undefined || key !== keyOf(service))
          return { how: 'ended by somebody', why: '' };
        try {
          const end = await step(service, progress, said);
          if (end !== undefined) return end;
        } catch (error) {
          refuseLost(lost);
          // another change of the service runs: it is tried again
          if (!isKind(error, 'conflict')) deps.log.warn({ service: serviceKey(service), err: error }, 'could not look after a canary');
        }
        await pauseWhileLeading(LOOK_EVERY_MS, lost);
      }
    } finally {
      looks.delete(key);
    }
  }

  return {
    judged,
    follow,
    resume() {
      for (const record of core.records()) {
        const service = serviceOfCanary(record);
        if (service === undefined) continue;
        const followed = follow(service, () => undefined).catch((error: unknown) => {
          if (!lost.aborted) throw error;
        });
        inBackground(deps.log, 'a canary', followed);
      }
    },
    async leaveAlone(service, act) {
      leftAlone.add(serviceKey(service));
      try {
        return await act();
      } finally {
        leftAlone.delete(serviceKey(service));
      }
    },
  };
}
