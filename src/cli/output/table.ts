/** Text columns and figures for a terminal. Pure. */
import { formatBytes } from '../../text/size.ts';

/** A column is never cut to less. */
const NARROWEST = 8;
const GAP = '  ';

/**
 * Columns as wide as their widest cell, two spaces apart, as `docker ps` prints them. With a width the widest columns are cut until a line fits,
 * and what was cut ends with `…`; where that is not enough, columns of `dispensable` are left out, the first before the others.
 */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width?: number,
  dispensable: readonly string[] = [],
): string {
  const [first, ...others] = dispensable;
  if (width !== undefined && first !== undefined && narrowest(header, rows) > width) {
    const at = header.indexOf(first);
    const without = (row: readonly string[]) => row.filter((_, column) => column !== at);
    return table(without(header), rows.map(without), width, others);
  }
  const all = [header, ...rows];
  const widths = widthsOf(header, rows);
  if (width !== undefined) narrow(widths, width - GAP.length * (header.length - 1));
  const cut = (cell: string, size: number): string => (cell.length > size ? `${cell.slice(0, size - 1)}…` : cell);
  return all
    .map((row) =>
      row.map((cell, column) => cut(cell, widths[column] ?? 0).padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0))).join(GAP),
    )
    .join('\n');
}

/** Of a line, if all is cut as far as it may be. */
function narrowest(header: readonly string[], rows: readonly (readonly string[])[]): number {
  const widths = widthsOf(header, rows).map((one) => Math.min(NARROWEST, one));
  return widths.reduce((sum, one) => sum + one, GAP.length * (header.length - 1));
}

/** Of each column its widest cell. */
const widthsOf = (header: readonly string[], rows: readonly (readonly string[])[]): number[] =>
  header.map((_, column) => [header, ...rows].reduce((most, row) => Math.max(most, (row[column] ?? '').length), 0));

/** Takes from the widest, one character at a time. */
function narrow(widths: number[], most: number): void {
  for (let over = widths.reduce((sum, one) => sum + one, 0) - most; over > 0; over--) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= NARROWEST) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** `1 host`, `3 hosts`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** `2026-11-29 10:00:00 UTC`, of milliseconds since 1970. */
export const moment = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');

export const percent = (share: number | undefined) => (share === undefined ? '-' : `${Math.round(share * 100)}%`);

/** CPU cores and bytes of memory that containers reserve: `0.5 CPU, 512 MiB`; `-` for none. */
export function reserved({
  reservedCores,
  reservedMemoryBytes,
}: {
  readonly reservedCores: number;
  readonly reservedMemoryBytes: number;
}): string {
  const parts = [
    ...(reservedCores > 0 ? [`${Math.round(reservedCores * 100) / 100} CPU`] : []),
    ...(reservedMemoryBytes > 0 ? [formatBytes(reservedMemoryBytes)] : []),
  ];
  return parts.length === 0 ? '-' : parts.join(', ');
}
