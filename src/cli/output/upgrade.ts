/** What is to be done so that the whole cluster has the leader's release. Pure. */
import type { StatusReport } from '../../operator-api/index.ts';
import { type Installer, isPlainWord, scriptLine } from '../../operator-api/joining/script.ts';

/** One machine; in the order in which they are upgraded. */
interface UpgradeStep {
  readonly kind: 'scheduler' | 'host';
  readonly name: string;
  /** Empty: not known. */
  readonly has: string;
  /** What to run there. */
  readonly command: string;
}

interface UpgradePlan {
  /** The leader's release, which all are to have. */
  readonly release: string;
  readonly steps: readonly UpgradeStep[];
  /** Sentences: what is repaired first. */
  readonly inTheWay: readonly string[];
  /** Sentences: who is ahead of the leader. */
  readonly ahead: readonly string[];
}

type Cluster = Pick<StatusReport, 'schedulers'> & {
  readonly hosts: readonly Pick<StatusReport['hosts'][number], 'name' | 'state' | 'agent'>[];
};

/** Schedulers first: hosts take their release from the leader. `token`: the join token of now, for hosts that have one of before; undefined: who asks may not see it. */
export function upgradePlan(installer: Installer, { schedulers, hosts }: Cluster, token?: string): UpgradePlan {
  const { version: release } = installer;
  const apt = `sudo apt-get install ./arpanet_${release}_amd64.deb`;
  const ofHost = scriptLine(installer, ['--upgrade', ...(token !== undefined && isPlainWord(token) ? [token] : [])]);
  const others = [
    ...schedulers.flatMap(({ name, leads, version = '', byLine }) =>
      leads
        ? []
        : [
            {
              kind: 'scheduler' as const,
              name,
              has: version,
              command: byLine === true ? scriptLine(installer, ['--scheduler', name]) : apt,
            },
          ],
    ),
    ...hosts.flatMap(({ name, agent }) => (agent === '' ? [] : [{ kind: 'host' as const, name, has: agent, command: ofHost }])),
  ];
  const known = hosts.filter(({ state }) => state !== 'expected');
  return {
    release,
    steps: others.filter(({ has }) => has !== release && !isHigher(has, release)),
    inTheWay: known.flatMap(({ name, state }) => (state === 'alive' ? [] : [`host ${name} is ${state}`])),
    ahead: others.flatMap(({ kind, name, has }) =>
      isHigher(has, release) ? [`${kind} ${name} has ${has}, which is newer than the leader's ${release}`] : [],
    ),
  };
}

export function upgradeText({ release, steps, inTheWay, ahead }: UpgradePlan): string {
  const blocked = inTheWay.length === 0 ? [] : [`First repair what is in the way: ${inTheWay.join('; ')}.`];
  const warned = ahead.map((sentence) => `! ${sentence}: upgrade the schedulers to that release`);
  if (steps.length === 0)
    return [...blocked, ...warned, ...(ahead.length > 0 ? [] : [`All schedulers and hosts have ${release}.`])].join('\n');
  const lines = steps.flatMap(({ kind, name, has, command }, i) => [
    `${i + 1}. ${kind} ${name} (${has === '' ? 'an older release' : has}), there:`,
    `     ${command}`,
  ]);
  return [
    ...blocked,
    ...warned,
    `The leader has ${release}. One after the other, and each only when the one before is back ("arpanet status"):`,
    '',
    ...lines,
    '',
    'A host that does not come back within a minute takes its old release back by itself. Containers, names and addresses go on meanwhile.',
  ].join('\n');
}

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
