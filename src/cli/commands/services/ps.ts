/** `arpanet ps`. Effects: an HTTP request, the terminal. */
import type { ServiceReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { instanceTable } from '../../output/services.ts';

/** Without a reference, the instances of all services. */
export async function listInstances(reference: string | undefined, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const query = reference === undefined ? '' : `?of=${encodeURIComponent(reference)}`;
  show(await api.json<readonly ServiceReport[]>(`/arpanet/v1/services${query}`), instanceTable);
}
