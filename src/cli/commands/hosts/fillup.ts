/** `arpanet hosts fillup`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostWork } from './host-work.ts';

export async function fillUpHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { show } = clientCall(flags, terminal);
  const filled = await hostWork('postHostsFillup', { host }, flags, terminal);
  show(filled, () => `${filled.moved.length} moved to ${host}`);
}
