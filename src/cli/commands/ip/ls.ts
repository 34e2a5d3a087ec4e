/** `arpanet ip ls`. Effects: HTTP requests, the terminal. */
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, pageReader, showList } from '../../list.ts';
import { addressesText } from '../../output/networks.ts';

export async function listAddresses(flags: ListFlags & PageFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const read = pageReader(api, flags, terminal);
  const fetch = () => read('getNetworks', {});
  await showList(fetch, { text: addressesText, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
