/** `arpanet user ls`. Effects: an HTTP request, the terminal. */
import type { UserReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, showList } from '../../list.ts';
import { usersText } from '../../output/users.ts';

export async function listUsers(flags: ListFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const fetch = () => api.json<readonly UserReport[]>('/arpanet/v1/users');
  await showList(fetch, { text: usersText, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
