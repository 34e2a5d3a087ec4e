/** `arpanet drain` and `arpanet hosts drain`. Effects: an HTTP request, the terminal, the exit code. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostPath, hostWork, type Moved } from './host-work.ts';

interface Drained extends Moved {
  readonly ended: readonly string[];
}

const drainedText = ({ moved, ended, stays }: Drained): string =>
  [
    `${moved.length} moved`,
    ...(ended.length > 0 ? [`${ended.length} ended`] : []),
    `${stays.length} stay${stays.length === 1 ? 's' : ''}`,
  ].join(', ');

/** Exit code 1 if a container stays. */
export async function drainHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { show } = clientCall(flags, terminal);
  const drained = await hostWork<Drained>(hostPath(host, '/drain'), {}, flags, terminal);
  show(drained, () => `${host}: ${drainedText(drained)}`);
  if (drained.stays.length > 0) process.exitCode = 1;
}
