/** `arpanet policy` as text for a terminal. Pure. */
import type { PolicyRefusal } from '../../operator-api/index.ts';

export const refusalsText = (refusals: readonly PolicyRefusal[]): string =>
  refusals.length === 0
    ? 'nothing of it would be refused'
    : refusals.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)).join('\n');
