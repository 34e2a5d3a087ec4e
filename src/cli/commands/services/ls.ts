/** `arpanet ls`. Effects: an HTTP request, the terminal. */
import type { ServiceReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { serviceTable } from '../../output/services.ts';

export async function listServices(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<readonly ServiceReport[]>('/arpanet/v1/services'), serviceTable);
}
