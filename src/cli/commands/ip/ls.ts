/** `arpanet ip ls`. Effects: HTTP requests, the terminal. */
import type { NetworkReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, pageReader, showList } from '../../list.ts';
import { addressesText } from '../../output/networks.ts';

export async function listAddresses(flags: ListFlags & PageFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const read = pageReader(api, flags, terminal);
  const fetch = () => read<readonly NetworkReport[]>('/arpanet/v1/networks');
  await showList(fetch, { text: addressesText, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
