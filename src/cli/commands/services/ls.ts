/** `arpanet ls`. Effects: HTTP requests, the terminal. */
import type { ServiceReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, pageReader, showList } from '../../list.ts';
import { serviceTable } from '../../output/services.ts';

export async function listServices(flags: ListFlags & PageFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const read = pageReader(api, flags, terminal);
  const fetch = () => read('getServices', {});
  const key = ({ deployment, service }: ServiceReport) => `${deployment}/${service}`;
  await showList(fetch, { text: serviceTable, rows: (all) => all, key }, flags, terminal);
}
