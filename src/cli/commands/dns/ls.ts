/** `arpanet dns ls`. Effects: HTTP requests, the terminal. */
import { nameReports } from '../../../operator-api/reports/name-report.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, showList } from '../../list.ts';
import { namesText } from '../../output/names.ts';

export async function listNames(flags: ListFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const fetch = async () => {
    const [instances, outside] = await Promise.all([api.v1.call('getNames'), api.v1.call('getRecords')]);
    return nameReports(instances, outside);
  };
  await showList(fetch, { text: namesText, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
