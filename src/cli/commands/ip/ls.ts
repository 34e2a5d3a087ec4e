/** `arpanet ip ls`. Effects: an HTTP request, the terminal. */
import type { NetworkReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { addressesText } from '../../output/networks.ts';

export async function listAddresses(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<readonly NetworkReport[]>('/arpanet/v1/networks'), addressesText);
}
