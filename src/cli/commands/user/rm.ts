/** `arpanet user rm`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

export async function removeUser(name: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const removed = await api.v1.call('postUsersRm', { name });
  show(removed, () => `${removed.name} was removed`);
}
