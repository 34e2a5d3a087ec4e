/** `arpanet activate` and `arpanet hosts activate`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostPath } from './host-work.ts';

export async function activateHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<unknown>(hostPath(host, '/activate'), { method: 'POST', body: {} }), () => `${host} takes containers`);
}
