/** `arpanet explain`: one placement decision as text for a terminal. Pure. */
import type { Decision } from '../../model/index.ts';
import { count, moment, table } from './table.ts';

const FIGURES: readonly (readonly [name: string, heading: string, isShare: boolean])[] = [
  ['spread', 'SPREAD', false],
  ['preferences', 'PREFERENCES', false],
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

/** Why a container is where it is. */
export function explainText(container: string, decision: Decision): string {
  const { host, strategy, scored, refused } = decision;
  const at = moment(decision.atMs);
  const asked = scored.length + refused.length;
  const lines =
    host === ''
      ? [`${container} is not placed: refused ${at}, none of ${count(asked, 'host')} fits`]
      : [`${container} is on ${host}: chosen ${at} by ${strategy}, from ${scored.length} of ${count(asked, 'host')} that fit`];
  if (scored.length > 0) {
    // older decisions have fewer, and a spread only who asked for one
    const shown = FIGURES.filter(([name]) => name !== 'spread' || scored.some(({ figures }) => figures[name] !== undefined));
    const rows = scored.map((one) => [
      one.host,
      String(one.score),
      ...shown.map(([name, , isShare]) => {
        const value = one.figures[name];
        return value === undefined ? '-' : isShare ? `${Math.round(value * 100)}%` : String(value);
      }),
    ]);
    lines.push('', table(['FITS', 'SCORE', ...shown.map(([, heading]) => heading)], rows));
    lines.push('(CPU, MEMORY: live load at that time. +CPU, +MEMORY: charged for containers placed just before)');
  }
  if (refused.length > 0) {
    const rows = refused.map((one) => [one.host, one.rule, one.why]);
    lines.push('', table(['REFUSED', 'RULE', 'WHY'], rows));
  }
  return lines.join('\n');
}
