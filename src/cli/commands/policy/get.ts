/** `arpanet policy get`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { policyText, type Shown } from './files.ts';

export async function getPolicy(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<Shown>('/arpanet/v1/policy'), policyText);
}
