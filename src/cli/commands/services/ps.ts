/** `arpanet ps`. Effects: HTTP requests, the terminal. */
import type { ServiceReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, showList } from '../../list.ts';
import { instanceRows, instanceTable } from '../../output/services.ts';

/** Without a reference, the instances of all services. */
export async function listInstances(reference: string | undefined, flags: ListFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const query = reference === undefined ? '' : `?of=${encodeURIComponent(reference)}`;
  const fetch = () => api.json<readonly ServiceReport[]>(`/arpanet/v1/services${query}`);
  await showList(fetch, { text: instanceTable, rows: instanceRows, key: ({ name }) => name }, flags, terminal);
}
