/** `arpanet ps`. Effects: HTTP requests, the terminal. */
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, pageReader, showList } from '../../list.ts';
import { instanceRows, instanceTable } from '../../output/services.ts';

/** Without a reference, the instances of all services. */
export async function listInstances(reference: string | undefined, flags: ListFlags & PageFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const read = pageReader(api, flags, terminal);
  const fetch = () => read('getServices', { of: reference });
  await showList(fetch, { text: instanceTable, rows: instanceRows, key: ({ name }) => name }, flags, terminal);
}
