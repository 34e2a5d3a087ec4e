/** `arpanet policy get`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { policyText } from './files.ts';

export async function getPolicy(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('getPolicy'), policyText);
}
