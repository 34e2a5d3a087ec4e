/** `arpanet user ls`. Effects: an HTTP request, the terminal. */
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, showList } from '../../list.ts';
import { usersText } from '../../output/users.ts';

export async function listUsers(flags: ListFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const fetch = () => api.v1.call('getUsers');
  await showList(fetch, { text: usersText, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
