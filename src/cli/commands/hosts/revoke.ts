/** `arpanet hosts revoke` and `arpanet hosts readmit`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostPath } from './host-work.ts';

export async function revokeHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<unknown>(hostPath(host, '/revoke'), { method: 'POST' }), () => `${host} was revoked`);
  terminal.say(`who has ${host} knows the join token, too: "arpanet token rotate" makes another`);
}

export async function readmitHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<unknown>(hostPath(host, '/readmit'), { method: 'POST' }), () => `${host} may join again, by the join token`);
}
