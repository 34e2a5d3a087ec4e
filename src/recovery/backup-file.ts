/**
 * A backup: JSON lines. First what it is, then a record a line, at the end how many there were and the SHA-256 of all lines before.
 * The same state gives the same lines between first and last, so that two backups can be compared with diff.
 */
import { createHash } from 'node:crypto';
import { ArpanetError, keys } from '../model/index.ts';

const FORMAT = 'arpanet-backup';
const VERSION = 1;
/** Between the epoch of the store that is lost and that of its successor: no host can have seen so many elections since the backup was made. */
export const RESTORED_EPOCHS = 1_000;

/** A record of the store, by its key. */
export type BackedUp = readonly [key: string, value: unknown];

export interface Backup {
  readonly madeAt: string;
  readonly clusterId: string;
  readonly epoch: number;
  readonly records: readonly BackedUp[];
}

/** `arpanet`: version of the program. The leader's record and the ledger's own mark are left out: they are of the running cluster only. */
export function backupText(records: readonly BackedUp[], madeAt: string, arpanet: string): string {
  const kept = records.filter(([key]) => key !== keys.leader && key !== keys.barrier).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const byKey = new Map(kept);
  const head = {
    format: FORMAT,
    version: VERSION,
    madeAt,
    arpanet,
    clusterId: byKey.get(keys.clusterId) ?? '',
    epoch: Number(byKey.get(keys.epoch) ?? 0),
  };
  const body = [head, ...kept.map(([key, value]) => ({ key, value }))].map((line) => `${JSON.stringify(line)}\n`).join('');
  return `${body}${JSON.stringify({ records: kept.length, sha256: digest(body) })}\n`;
}

/** Throws `invalid` for what is no backup, is not whole, was changed, or has a format of tomorrow. */
export function readBackup(text: string): Backup {
  const lines = text.replace(/\n$/, '').split('\n');
  const head = parse(lines[0]);
  if (head['format'] !== FORMAT) throw new ArpanetError('invalid', 'this is no backup of arpanet: its first line does not say so');
  if (head['version'] !== VERSION)
    throw new ArpanetError(
      'invalid',
      `this backup has format ${String(head['version'])}, and this program reads ${VERSION}: use the arpanet that made it`,
    );
  const tail = parse(lines.at(-1));
  const body = text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1);
  if (lines.length < 2 || tail['sha256'] === undefined)
    throw new ArpanetError('invalid', 'this backup is not whole: its last line is missing');
  if (tail['sha256'] !== digest(body))
    throw new ArpanetError('invalid', 'this backup was changed since it was made: its checksum does not fit');
  const records = lines.slice(1, -1).map((line): BackedUp => {
    const { key, value } = parse(line);
    if (typeof key !== 'string' || !key.startsWith(keys.root) || value === undefined)
      throw new ArpanetError('invalid', `this backup has a line that is no record: ${line.slice(0, 80)}`);
    return [key, value];
  });
  return { madeAt: String(head['madeAt']), clusterId: String(head['clusterId']), epoch: Number(head['epoch']), records };
}

function parse(line: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
