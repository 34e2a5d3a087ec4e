/** The steps of an upgrade, one after the other, each only while the cluster is healthy. Effects: those that it is handed. */
import { ArpanetError, isKind } from '../../../model/errors.ts';
import { stepText, type UpgradePlan, type UpgradeResult, type UpgradeStep } from '../../output/upgrade.ts';

/** What is asked of the cluster. */
export interface UpgradeActs {
  readonly plan: () => Promise<UpgradePlan>;
  /** Instances that DNS answers with, of all deployments. */
  readonly ready: () => Promise<number>;
  /** Has the agent of the host take the leader's release. Rejects where it has its old one back. */
  readonly upgrade: (host: string) => Promise<void>;
  /** Where each host is emptied before its step. Absent: none is. */
  readonly emptied?: {
    /** It takes new containers. */
    readonly isOpen: (host: string) => Promise<boolean>;
    readonly activate: (host: string) => Promise<void>;
  };
  readonly say: (line: string) => void;
  /** In ms, of a clock that never goes back. */
  readonly now: () => number;
  /** A second between two looks. */
  readonly pause: () => Promise<void>;
}

/** So long may it take until a machine that is back is seen by all, and its instances are ready again. */
const SETTLES_MS = 60_000;

const keyOf = ({ kind, name }: UpgradeStep): string => `${kind} ${name}`;

/** Ends at the first step that fails. Steps of an operator are left; where one is a scheduler's, no host comes before it. */
export async function carryOut(acts: UpgradeActs): Promise<UpgradeResult> {
  const first = await acts.plan();
  const { release } = first;
  const done: string[] = [];
  const result = (plan: UpgradePlan, failed?: UpgradeResult['failed']): UpgradeResult => ({
    release,
    done,
    ...(failed !== undefined && { failed }),
    left: plan.steps,
    ahead: plan.ahead,
  });
  if (first.inTheWay.length > 0) return result(first, { step: 'nothing was begun, and this', why: first.inTheWay.join('; ') });
  const readyBefore = await acts.ready();
  let plan = first;
  for (;;) {
    const step = nextOf(plan);
    if (step === undefined) return result(plan);
    const what = keyOf(step);
    acts.say(`${stepText(step)} takes ${release}`);
    let wasOpen: boolean | undefined;
    let failed: string | undefined;
    try {
      wasOpen = await acts.emptied?.isOpen(step.by);
      // where the connection ended, what came of it is seen
      await acts.upgrade(step.by).catch((error: unknown) => {
        // refused: nothing was begun, and what closed the host meanwhile was somebody else
        if (statusOf(error) === 409) wasOpen = false;
        if (!isAway(error)) throw error;
        acts.say(textOf(error));
      });
      plan = await settled(acts, step, release, readyBefore);
      done.push(what);
    } catch (error) {
      failed = textOf(error);
    }
    const closed = wasOpen === true ? await closedStill(acts, step.by) : undefined;
    const why = [failed, closed].filter((one) => one !== undefined).join('; ');
    if (why !== '') return result(await acts.plan().catch(() => plan), { step: what, why });
    acts.say(`${what} has ${release}`);
  }
}

type OwnStep = UpgradeStep & { readonly by: string };

function nextOf({ steps }: UpgradePlan): OwnStep | undefined {
  const isOwn = (step: UpgradeStep): step is OwnStep => step.by !== undefined;
  const scheduler = steps.find(({ kind }) => kind === 'scheduler');
  if (scheduler === undefined) return steps.find(isOwn);
  return isOwn(scheduler) ? scheduler : undefined;
}

/** The leader opens it again; where it could not, or leads no more, that is done here. A sentence where it takes no containers still. */
async function closedStill({ emptied, say, now, pause }: UpgradeActs, host: string): Promise<string | undefined> {
  const endMs = now() + SETTLES_MS;
  for (;;) {
    try {
      if (emptied === undefined || (await emptied.isOpen(host))) return undefined;
      await emptied.activate(host);
      say(`host ${host} takes containers again`);
      return undefined;
    } catch (error) {
      if (!isAway(error) || now() > endMs)
        return `host ${host} was emptied for it and takes no containers: "arpanet activate ${host}" (${textOf(error)})`;
    }
    await pause();
  }
}

const statusOf = (error: unknown): number | undefined => (error instanceof ArpanetError ? error.engineStatus : undefined);
/** Nobody answers, or nobody leads: asked again, somebody may. */
const isAway = (error: unknown): boolean => isKind(error, 'unavailable') || statusOf(error) === 503;
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The plan once the step is behind, all hosts are alive, and as much is ready as before. Throws with what is missing after a minute. */
async function settled(acts: UpgradeActs, step: UpgradeStep, release: string, readyBefore: number): Promise<UpgradePlan> {
  const missingIn = (plan: UpgradePlan, ready: number): readonly string[] => {
    if (plan.release !== release) throw new Error(`another scheduler leads now, with ${plan.release}: run "arpanet upgrade" again`);
    return [
      ...(plan.steps.some((one) => keyOf(one) === keyOf(step)) ? [`${keyOf(step)} is not back with ${release}`] : []),
      ...plan.inTheWay,
      ...(ready < readyBefore ? [`${readyBefore - ready} instances are not ready that were before`] : []),
    ];
  };
  const endMs = acts.now() + SETTLES_MS;
  for (;;) {
    const found = await Promise.all([acts.plan(), acts.ready()]).catch((error: unknown) => {
      // a scheduler that is asked may be the one that starts again, or no leader is known yet
      if (!isAway(error)) throw error;
      return textOf(error);
    });
    const missing = typeof found === 'string' ? [found] : missingIn(...found);
    if (typeof found !== 'string' && missing.length === 0) return found[0];
    if (acts.now() > endMs) throw new Error(missing.join('; '));
    await acts.pause();
  }
}
