/** `arpanet hosts fillup`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import type { RebalanceResult } from '../../../contracts/index.ts';
import { hostPath, hostWork } from './host-work.ts';

export async function fillUpHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { show } = clientCall(flags, terminal);
  const filled = await hostWork<RebalanceResult>(hostPath(host, '/fillup'), {}, flags, terminal);
  show(filled, () => `${filled.moved.length} moved to ${host}`);
}
