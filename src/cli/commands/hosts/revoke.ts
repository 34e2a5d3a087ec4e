/** `arpanet hosts revoke` and `arpanet hosts readmit`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

export async function revokeHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postHostsRevoke', { host }), () => `${host} was revoked`);
  terminal.say(`who has ${host} knows the join token, too: "arpanet token rotate" makes another`);
}

export async function readmitHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postHostsReadmit', { host }), () => `${host} may join again, by the join token`);
}
