/** `arpanet user rm`. Effects: an HTTP request, the terminal. */
import type { UserReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';

export async function removeUser(name: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const removed = await api.json<UserReport>(`/arpanet/v1/users/${encodeURIComponent(name)}/rm`, { method: 'POST' });
  show(removed, () => `${removed.name} was removed`);
}
