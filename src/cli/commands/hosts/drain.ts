/** `arpanet drain` and `arpanet hosts drain`. Effects: an HTTP request, the terminal, the exit code. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import type { DrainResult } from '../../../contracts/index.ts';
import { hostPath, hostWork } from './host-work.ts';

const drainedText = ({ moved, ended, stays }: DrainResult): string =>
  [
    `${moved.length} moved`,
    ...(ended.length > 0 ? [`${ended.length} ended`] : []),
    `${stays.length} stay${stays.length === 1 ? 's' : ''}`,
  ].join(', ');

/** Exit code 1 if a container stays. */
export async function drainHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { show } = clientCall(flags, terminal);
  const drained = await hostWork<DrainResult>(hostPath(host, '/drain'), {}, flags, terminal);
  show(drained, () => `${host}: ${drainedText(drained)}`);
  if (drained.stays.length > 0) process.exitCode = 1;
}
