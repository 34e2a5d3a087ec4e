/** `arpanet explain`: one placement decision as text for a terminal. Pure. */
import type { Decision } from '../../model/index.ts';
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
export function explainText(container: string, decision: Decision): string {
  const { host, strategy, scored, refused } = decision;
  const at = moment(decision.atMs);
  const fit = decision.counts?.fit ?? scored.length;
  const refusals = sum(Object.values(decision.counts?.refused ?? {})) || refused.length;
  const asked = fit + refusals;
  const lines =
    host === ''
      ? [`${container} is not placed: refused ${at}, none of ${count(asked, 'host')} fits`]
      : [`${container} is on ${host}: chosen ${at} by ${strategy}, from ${fit} of ${count(asked, 'host')} that fit`];
  if (scored.length > 0) {
    // older decisions have fewer, and some only who asked for them
    const shown = FIGURES.filter(([name]) => !OPTIONAL.has(name) || scored.some(({ figures }) => figures[name] !== undefined));
    const rows = scored.map((one) => [
      one.host,
      String(one.score),
      ...shown.map(([name, , isShare]) => {
        const value = one.figures[name];
        return value === undefined ? '-' : isShare ? `${Math.round(value * 100)}%` : String(value);
      }),
    ]);
    lines.push('', table(['FITS', 'SCORE', ...shown.map(([, heading]) => heading)], rows));
    if (fit > scored.length) lines.push(`(and ${fit - scored.length} more that fitted, of a lower score)`);
    lines.push('(CPU, MEMORY: live load at that time. +CPU, +MEMORY: charged for containers placed just before)');
  }
  if (refused.length > 0) {
    const rows = refused.map((one) => [one.host, one.rule, one.why]);
    lines.push('', table(['REFUSED', 'RULE', 'WHY'], rows));
    if (refusals > refused.length) lines.push(`(examples of ${refusals}: ${byRule(decision.counts?.refused ?? {})})`);
  }
  return lines.join('\n');
}
