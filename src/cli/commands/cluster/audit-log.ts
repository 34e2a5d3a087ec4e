/** `arpanet audit-log`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { auditLineText } from '../../output/audit-log.ts';

export interface AuditLogFlags extends ClientFlags {
  readonly follow?: boolean;
  readonly user?: string;
}

/** With `--json` the lines as they are in the file. */
export async function showAuditLog(flags: AuditLogFlags, terminal: Terminal): Promise<void> {
  const { api } = clientCall(flags, terminal);
  const feed = api.v1.lines('getAuditLog', { ...(flags.follow === true && { follow: true }), user: flags.user });
  for await (const line of feed) await terminal.paced(`${flags.json === true ? JSON.stringify(line) : auditLineText(line)}\n`);
}
