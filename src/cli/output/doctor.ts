/** `arpanet doctor` as text for a terminal. Pure. */
import type { Link } from '../../operator-api/index.ts';
import { table } from './table.ts';

export function doctorText(links: readonly Link[]): string {
  const rows = links.map((one) => [one.isSound ? 'ok' : 'BROKEN', one.link, one.what]);
  const fix = links.at(-1)?.fix;
  return `${table(['', 'LINK', 'WHAT'], rows)}${fix === undefined ? '\nno problem found' : `\nto fix it: ${fix}`}`;
}
