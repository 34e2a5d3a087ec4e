/** `arpanet activate` and `arpanet hosts activate`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

export async function activateHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postHostsActivate', { host }), () => `${host} takes containers`);
}
