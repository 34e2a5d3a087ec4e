/** The label `arpanet.drain-time`. Pure. */
import { ArpanetError, labels } from '../../model/index.ts';
import { parseDurationMs } from '../../text/duration.ts';

const LONGEST_MS = 300_000;

/** In ms; undefined where there is no such label, or none that can be read: `checkDrainTime` refuses it. */
export function drainTimeOf(given: Readonly<Record<string, string>>): number | undefined {
  const text = given[labels.drainTime];
  const ms = text ? parseDurationMs(text) : undefined;
  return ms !== undefined && ms >= 0 && ms <= LONGEST_MS ? Math.round(ms) : undefined;
}

/** Throws `invalid` for a time that cannot be read, or is over five minutes. */
export function checkDrainTime(given: Readonly<Record<string, string>>): void {
  const text = given[labels.drainTime];
  if (text && drainTimeOf(given) === undefined)
    throw new ArpanetError('invalid', `label ${labels.drainTime} is "${text.slice(0, 80)}": it must be a time from 0s to 300s, such as 5s`);
}
