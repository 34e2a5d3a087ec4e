/** What `arpanet rebalance` and `arpanet hosts clean` would do or did, as text for a terminal. Pure. */
import type { CleanPlan, CleanResult, RebalancePlan } from '../../contracts/index.ts';
import { count, table } from './table.ts';
import { formatBytes } from '../../text/size.ts';

export function rebalanceText({ moves, before, after, stays }: RebalancePlan, width?: number): string {
  const levels = table(
    ['HOST', 'FULL NOW', 'FULL AFTER'],
    Object.keys(before).map((host) => [host, String(before[host]), String(after[host])]),
    width,
  );
  const planned =
    moves.length === 0
      ? 'evenly full already, or nothing may move: nothing to do'
      : table(
          ['MOVE', 'SERVICE', 'FROM', 'TO'],
          moves.map((move) => [move.name, move.service, move.from, move.to]),
          width,
        );
  const kept = stays.length === 0 ? [] : [stays.map(({ container, why }) => `${container} stays: ${why}`).join('\n')];
  return [levels, planned, ...kept].join('\n\n');
}

/** What `arpanet hosts clean` would take away. */
export function cleanText({ host, containers, images, volumes, networks }: CleanPlan): string {
  const line = (number: number, what: string, names: readonly string[]) =>
    number === 0 ? [] : [`  - ${count(number, what)}: ${names.slice(0, 8).join(', ')}${number > 8 ? ', …' : ''}`];
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

/** What it took away. */
export const cleanedText = (all: readonly CleanResult[]): string =>
  all
    .flatMap(({ host, reclaimedBytes, kept }) => [
      ...kept.map((what) => `${host}: kept ${what}`),
      `${host}: ${Math.round(reclaimedBytes / 1e4) / 100} MB reclaimed`,
    ])
    .join('\n');
