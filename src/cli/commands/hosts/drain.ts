/** `arpanet drain` and `arpanet hosts drain`. Effects: an HTTP request, the terminal, the exit code. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import type { DrainResult } from '../../../contracts/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { parseLongDurationMs } from '../../../text/duration.ts';
import { hostWork } from './host-work.ts';

const drainedText = ({ moved, ended, stays }: DrainResult): string =>
  [
    `${moved.length} moved`,
    ...(ended.length > 0 ? [`${ended.length} ended`] : []),
    `${stays.length} stay${stays.length === 1 ? 's' : ''}`,
  ].join(', ');

export interface DrainFlags extends ClientFlags {
  readonly deadline?: string;
}

/** Exit code 1 if a container stays. Throws `invalid` for a deadline that is no duration. */
export async function drainHost(host: string, flags: DrainFlags, terminal: Terminal): Promise<void> {
  const deadlineMs = flags.deadline === undefined ? undefined : parseLongDurationMs(flags.deadline);
  if (flags.deadline !== undefined && (deadlineMs === undefined || deadlineMs <= 0))
    throw new ArpanetError('invalid', `--deadline is "${flags.deadline}": write a time, as 10m or 1h30m`);
  const { show } = clientCall(flags, terminal);
  const drained = await hostWork('postHostsDrain', { host, body: { deadlineMs } }, flags, terminal);
  show(drained, () => `${host}: ${drainedText(drained)}`);
  if (drained.stays.length > 0) process.exitCode = 1;
}
