/** `arpanet hosts` and `arpanet hosts ls`. Effects: an HTTP request, the terminal. */
import { hint } from '../../../config/nearest.ts';
import { ArpanetError } from '../../../model/errors.ts';
import type { HostReport } from '../../../operator-api/index.ts';
import { clientCall, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, pageReader, showList } from '../../list.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { hostsTable } from '../../output/hosts.ts';

const TIMEOUT_MS = 15_000;

/** All hosts, or one. Throws `invalid` for a name that is neither a host nor one of `verbs`. */
export async function listHosts(
  host: string | undefined,
  flags: Flags & ListFlags & PageFlags,
  verbs: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const { api } = clientCall(await settingsOf('hosts', flags, terminal.env), terminal);
  const read = pageReader(api, host === undefined ? flags : {}, terminal);
  const fetch = async (): Promise<readonly HostReport[]> => {
    const reports = await read('getHosts', {}, { timeoutMs: TIMEOUT_MS });
    const wanted = reports.filter((report) => host === undefined || report.name === host);
    if (host !== undefined && wanted.length === 0)
      throw new ArpanetError(
        'invalid',
        `"${host}" is neither a host nor a command for hosts (${verbs.join(', ')}); ${hint(host, [...verbs, ...reports.map(({ name }) => name)])}`,
      );
    return wanted;
  };
  await showList(fetch, { text: hostsTable, rows: (all) => all, key: ({ name }) => name }, flags, terminal);
}
