/** What is to be done so that the whole cluster has the leader's release. Pure. */
import type { StatusReport } from '../../operator-api/index.ts';
import { type Installer, isPlainWord, scriptLine } from '../../operator-api/joining/script.ts';

/** One machine; in the order in which they are upgraded. */
export interface UpgradeStep {
  readonly kind: 'scheduler' | 'host';
  readonly name: string;
  /** Empty: not known. */
  readonly has: string;
  /** What to run there. */
  readonly command: string;
  /** The host whose agent does it when the leader says so: this one, or that of the scheduler's machine. Absent: somebody runs the command. */
  readonly by?: string;
}

export interface UpgradePlan {
  /** The leader's release, which all are to have. */
  readonly release: string;
  readonly steps: readonly UpgradeStep[];
  /** Sentences: what is repaired first. */
  readonly inTheWay: readonly string[];
  /** Sentences: who is ahead of the leader. */
  readonly ahead: readonly string[];
}

/** What of a status counts here. */
export type Cluster = Pick<StatusReport, 'schedulers'> & {
  readonly hosts: readonly Pick<StatusReport['hosts'][number], 'name' | 'state' | 'agent' | 'address' | 'upgradesItself'>[];
};

/** How the plan is made. */
export interface PlanOptions {
  /** Hosts that are ahead of the leader are taken back. */
  readonly isForced?: boolean;
}

/** Schedulers first: hosts take their release from the leader. */
export function upgradePlan(installer: Installer, { schedulers, hosts }: Cluster, { isForced = false }: PlanOptions = {}): UpgradePlan {
  const { version: release } = installer;
  const apt = `sudo apt-get install ./arpanet_${release}_amd64.deb`;
  const ofHost = scriptLine(installer, ['--upgrade', ...(isForced ? ['--force'] : [])]);
  const able = hosts.filter(({ state, upgradesItself }) => state === 'alive' && upgradesItself === true);
  const others = [
    ...schedulers.flatMap(({ name, url, leads, version = '', byLine }): readonly UpgradeStep[] => {
      if (leads) return [];
      const step = { kind: 'scheduler' as const, name, has: version };
      if (byLine !== true) return [{ ...step, command: apt }];
      // its program is that of the host on the same machine; an agent that has the release already takes it no second time
      const by = able.find(({ address, agent }) => address === hostIn(url) && agent !== release)?.name;
      return [{ ...step, command: scriptLine(installer, ['--scheduler', name]), ...(by !== undefined && { by }) }];
    }),
    ...hosts.flatMap(({ name, agent }): readonly UpgradeStep[] => {
      const by = able.some((one) => one.name === name) ? { by: name } : {};
      return agent === '' ? [] : [{ kind: 'host', name, has: agent, command: ofHost, ...by }];
    }),
  ];
  const known = hosts.filter(({ state }) => state !== 'expected');
  return {
    release,
    steps: others.filter(({ kind, has }) => has !== release && (!isHigher(has, release) || (isForced && kind === 'host'))),
    inTheWay: known.flatMap(({ name, state }) => (state === 'alive' ? [] : [`host ${name} is ${state}`])),
    ahead: others.flatMap(({ kind, name, has }) =>
      isHigher(has, release) && !(isForced && kind === 'host')
        ? [`${kind} ${name} has ${has}, which is newer than the leader's ${release}`]
        : [],
    ),
  };
}

/** The lines of hosts, each with the join token for it, by its name; without one a host uses that of its own. */
export const withTokens = (steps: readonly UpgradeStep[], tokens: ReadonlyMap<string, string>): readonly UpgradeStep[] =>
  steps.map((step) => {
    const token = step.kind === 'host' ? tokens.get(step.name) : undefined;
    return token !== undefined && isPlainWord(token) ? { ...step, command: `${step.command} ${token}` } : step;
  });

export function upgradeText({ release, steps, inTheWay, ahead }: UpgradePlan): string {
  const blocked = inTheWay.length === 0 ? [] : [`First repair what is in the way: ${inTheWay.join('; ')}.`];
  const warned = ahead.map((sentence) => `! ${sentence}: upgrade the schedulers to that release, or take hosts back (--force)`);
  if (steps.length === 0)
    return [...blocked, ...warned, ...(ahead.length > 0 ? [] : [`All schedulers and hosts have ${release}.`])].join('\n');
  const lines = steps.flatMap((step, i) => [
    `${i + 1}. ${stepText(step)}${step.by === undefined ? ', there:' : ` ("arpanet upgrade" does it${step.by === step.name ? '' : ` by the agent of host ${step.by}`}), or there:`}`,
    `     ${step.command}`,
  ]);
  return [
    ...blocked,
    ...warned,
    `The leader has ${release}. One after the other, and each only when the one before is back ("arpanet status"):`,
    '',
    ...lines,
    '',
    'A host that does not come back within a minute takes its old release back by itself. Containers, names and addresses go on meanwhile.',
    ...(steps.some(({ kind }) => kind === 'host')
      ? ['Lines without a token leave a host the one that it has. Where that was rotated away, "arpanet upgrade" prints lines with tokens.']
      : []),
  ].join('\n');
}

/** What came of it. */
export interface UpgradeResult {
  readonly release: string;
  /** `host h2`: they have the release now. */
  readonly done: readonly string[];
  /** Where it ended, and why; absent: nothing failed. */
  readonly failed?: { readonly step: string; readonly why: string };
  /** What is left to do: by an operator, or after what failed. */
  readonly left: readonly UpgradeStep[];
  /** Sentences: who is ahead of the leader. */
  readonly ahead: readonly string[];
}

export function resultText({ release, done, failed, left, ahead }: UpgradeResult): string {
  const taken = done.length === 0 ? [] : [`${done.join(', ')}: now with ${release}`];
  if (failed !== undefined)
    return [
      ...taken,
      `${failed.step} failed: ${failed.why}`,
      'No other was touched after it; "arpanet upgrade" goes on once that is repaired.',
    ].join('\n');
  if (left.length === 0) return [...taken, ...(ahead.length > 0 ? ahead : [`All schedulers and hosts have ${release}.`])].join('\n');
  const lines = left.flatMap((step) => [`  ${stepText(step)}, there:`, `     ${step.command}`]);
  return [
    ...taken,
    'These have a package of their own, or no systemd. One after the other:',
    ...lines,
    'Then "arpanet upgrade" again.',
  ].join('\n');
}

export const stepText = ({ kind, name, has }: UpgradeStep): string => `${kind} ${name} (${has === '' ? 'an older release' : has})`;

const hostIn = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '');

/** By numbers, as releases have them (Semantic Versioning 2.0.0 section 11, without pre-releases). */
function isHigher(one: string, other: string): boolean {
  const [a = [], b = []] = [one, other].map((text) => /^\d+(?:\.\d+)*/.exec(text)?.[0].split('.').map(Number));
  const place = Math.max(a.length, b.length);
  for (let i = 0; i < place; i += 1) {
    const apart = (a[i] ?? 0) - (b[i] ?? 0);
    if (apart !== 0) return apart > 0;
  }
  return false;
}
