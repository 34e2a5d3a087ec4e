/** Text columns and figures for a terminal. Pure. */
import { formatBytes } from '../../text/size.ts';

/** Columns as wide as their widest cell, two spaces apart, as `docker ps` prints them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '))
    .join('\n');
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
