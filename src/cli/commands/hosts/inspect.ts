/** `arpanet hosts inspect`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostDetailText } from '../../output/host-detail.ts';

export async function inspectHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('getHostsOne', { host }), hostDetailText);
}
