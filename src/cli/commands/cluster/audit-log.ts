/** `arpanet audit-log`. Effects: an HTTP request, the terminal. */
import type { AuditLine } from '../../../security/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { auditLineText } from '../../output/audit-log.ts';

export interface AuditLogFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly user?: string;
}

/** With `--json` the lines as they are in the file. */
export async function showAuditLog(flags: AuditLogFlags, terminal: Terminal): Promise<void> {
  const query = new URLSearchParams();
  if (flags.follow === true) query.set('follow', '1');
  if (flags.user !== undefined) query.set('user', flags.user);
  const { api } = clientCall(flags, terminal);
  const feed = api.feed<AuditLine>(`/arpanet/v1/audit-log?${query.toString()}`, new AbortController().signal);
  for await (const line of feed) await terminal.paced(`${flags.json === true ? JSON.stringify(line) : auditLineText(line)}\n`);
}
