/** `arpanet explain`: one placement decision as text for a terminal. Pure. */
import type { Explained, Placement, Refusal, ScoredHost } from '../../model/index.ts';
import { count, moment, table } from './table.ts';

const FIGURES: readonly (readonly [name: string, heading: string, isShare: boolean])[] = [
  ['spread', 'SPREAD', false],
  ['preferences', 'PREFERENCES', false],
  ['groupRoom', 'ROOM FOR PROJECT', true],
  ['sameService', 'SAME SERVICE', false],
  ['cpu', 'CPU', true],
  ['memory', 'MEMORY', true],
  ['pendingCpu', '+CPU', true],
  ['pendingMemory', '+MEMORY', true],
  ['reservedCpu', 'RESERVED CPU', true],
  ['reservedMemory', 'RESERVED MEMORY', true],
  ['containers', 'CONTAINERS', false],
  ['image', 'IMAGE', false],
];

const OPTIONAL: ReadonlySet<string> = new Set(['spread', 'groupRoom']);

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** `900 by constraint, 3 by memory`. */
const byRule = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([rule, number]) => `${number} by ${rule}`)
    .join(', ');

/** Why a container is where it is. */
export function explainText(container: string, decision: Explained, width?: number): string {
  const { host, strategy, scored, refused, among, again } = decision;
  const at = moment(decision.atMs);
  const fit = decision.counts?.fit ?? scored.length;
  const refusals = sum(Object.values(decision.counts?.refused ?? {})) || refused.length;
  const asked = among === undefined ? count(fit + refusals, 'host') : `${count(fit + refusals, 'host')} (a sample of ${among})`;
  const lines =
    host === ''
      ? [`${container} is not placed: refused ${at}, none of ${asked} fits`]
      : [`${container} is on ${host}: chosen ${at} by ${strategy}, from ${fit} of ${asked} that fit`];
  lines.push(...scoresText(scored, fit, width), ...refusalsText(refused, refusals, decision.counts?.refused));
  if (again !== undefined) lines.push(...againText(again, width));
  if (decision.canary !== undefined) lines.push(decision.canary);
  return lines.join('\n');
}

/** In the order in which they come; a newer leader may have others. */
const STAGES: Readonly<Record<string, string>> = {
  before: 'until this try began: earlier tries, what the image is',
  claim: 'placement, addresses, the record in the store',
  prepare: 'image, networks and volumes on the host',
  engine: "the host's Engine",
};

/** How long what a container's create consists of took. */
export function timingText(container: string, { host, made }: Explained): string {
  if (made === undefined) return `${container} was not created: there are no times`;
  const { atMs, requestId, stagesMs } = made;
  const request = requestId === undefined ? '' : ` for request ${requestId}`;
  if (stagesMs === undefined)
    return `${container} was created on ${host} ${moment(atMs)}${request}: its times were not kept (an older leader)`;
  const whole = sum(Object.values(stagesMs));
  const names = [...new Set([...Object.keys(STAGES), ...Object.keys(stagesMs)])].filter((name) => stagesMs[name] !== undefined);
  const rows = names.map((name) => {
    const took = stagesMs[name] ?? 0;
    return [name, String(took), whole === 0 ? '-' : `${Math.round((100 * took) / whole)}%`, STAGES[name] ?? ''];
  });
  return [
    `${container} was created on ${host} ${moment(atMs)} in ${whole} ms${request}`,
    '',
    table(['STAGE', 'MS', 'SHARE', 'WHAT'], rows),
    ...(requestId === undefined
      ? []
      : [`(the leader's log has it by "requestId": "${requestId}"; the answer to the client as Arpanet-Request-Id)`]),
  ].join('\n');
}

/** Where it is too wide, figures that are 0 for all hosts are left out: they decide nothing. */
function scoresText(scored: readonly ScoredHost[], fit: number, width: number | undefined): readonly string[] {
  if (scored.length === 0) return [];
  // older decisions have fewer, and some only who asked for them
  const shown = FIGURES.filter(([name]) => !OPTIONAL.has(name) || scored.some(({ figures }) => figures[name] !== undefined));
  const tableOf = (figures: typeof FIGURES): string =>
    table(
      ['FITS', 'SCORE', ...figures.map(([, heading]) => heading)],
      scored.map((one) => [
        one.host,
        String(one.score),
        ...figures.map(([name, , isShare]) => {
          const value = one.figures[name];
          return value === undefined ? '-' : isShare ? `${Math.round(value * 100)}%` : String(value);
        }),
      ]),
    );
  const whole = tableOf(shown);
  const isTooWide = width !== undefined && whole.split('\n').some((line) => line.length > width);
  return [
    '',
    isTooWide ? tableOf(shown.filter(([name]) => scored.some(({ figures }) => (figures[name] ?? 0) !== 0))) : whole,
    ...(fit > scored.length ? [`(and ${fit - scored.length} more that fitted, of a lower score)`] : []),
    '(CPU, MEMORY: live load at that time. +CPU, +MEMORY: charged for containers placed just before)',
  ];
}

function refusalsText(refused: readonly Refusal[], all: number, counts: Readonly<Record<string, number>> = {}): readonly string[] {
  if (refused.length === 0) return [];
  const rows = refused.map((one) => [one.host, one.rule, one.why]);
  return ['', table(['REFUSED', 'RULE', 'WHY'], rows), ...(all > refused.length ? [`(examples of ${all}: ${byRule(counts)})`] : [])];
}

/** All hosts, as they are now. */
function againText(again: Placement, width: number | undefined): readonly string[] {
  const begin = 'Only this was kept of the decision. Made again from the request that was kept, with all hosts as they are now:';
  if (again.kind === 'refused') return ['', begin, `no host fits now, without itself: ${again.message}`];
  const { host, scored, refused } = again.decision;
  return ['', begin, `it would go to ${host}`, ...scoresText(scored, scored.length, width), ...refusalsText(refused, refused.length)];
}
