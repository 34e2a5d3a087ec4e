/** What `arpanet rebalance` and `arpanet hosts clean` would do or did, as text for a terminal. Pure. */
import type { CleanReport, RebalanceReport } from '../../operator-api/index.ts';
import { table } from './table.ts';
import { formatBytes } from '../../text/size.ts';

export function rebalanceText({ moves, before, after, stays }: RebalanceReport): string {
  const levels = table(
    ['HOST', 'FULL NOW', 'FULL AFTER'],
    Object.keys(before).map((host) => [host, String(before[host]), String(after[host])]),
  );
  const planned =
    moves.length === 0
      ? 'evenly full already, or nothing may move: nothing to do'
      : table(
          ['MOVE', 'SERVICE', 'FROM', 'TO'],
          moves.map((move) => [move.name, move.service, move.from, move.to]),
        );
  const kept = stays.length === 0 ? [] : [stays.map(({ container, why }) => `${container} stays: ${why}`).join('\n')];
  return [levels, planned, ...kept].join('\n\n');
}

/** What `arpanet hosts clean` would take away. */
export function cleanText({ host, containers, images, volumes, networks }: CleanReport): string {
  const line = (count: number, what: string, names: readonly string[]) =>
    count === 0 ? [] : [`  - ${count} ${what}${count === 1 ? '' : 's'}: ${names.slice(0, 8).join(', ')}${count > 8 ? ', …' : ''}`];
  const lines = [
    ...line(
      containers.length,
      'stopped container',
      containers.map((one) => one.name),
    ),
    ...line(
      images.length,
      'image',
      images.map((one) => `${one.name === '<none>' ? one.id.replace('sha256:', '').slice(0, 12) : one.name} (${formatBytes(one.bytes)})`),
    ),
    ...line(
      volumes.length,
      'volume without a name',
      volumes.map((name) => name.slice(0, 12)),
    ),
    ...line(networks.length, 'network of its own Engine', networks),
    '  - its build cache',
  ];
  return `this takes from ${host}:\n${lines.join('\n')}`;
}

/** The result of cleaning one host. */
export interface Cleaned {
  readonly host: string;
  readonly reclaimedBytes: number;
  /** What could not be removed, and why, as text. */
  readonly kept: readonly string[];
}

export const cleanedText = (all: readonly Cleaned[]): string =>
  all
    .flatMap(({ host, reclaimedBytes, kept }) => [
      ...kept.map((what) => `${host}: kept ${what}`),
      `${host}: ${Math.round(reclaimedBytes / 1e4) / 100} MB reclaimed`,
    ])
    .join('\n');
