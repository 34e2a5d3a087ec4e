/** `arpanet ip ls`. Effects: HTTP requests, the terminal. */
import type { NetworkReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, showList } from '../../list.ts';
import { addressesText } from '../../output/networks.ts';

export async function listAddresses(flags: ListFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const fetch = () => api.json<readonly NetworkReport[]>('/arpanet/v1/networks');
  await showList(fetch, { text: addressesText, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
