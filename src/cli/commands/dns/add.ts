/** `arpanet dns add`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { recordsText } from '../../output/names.ts';

/** `value` as in a zone file: `10 5 389 ldap.example.com` for SRV. The leader reads it. */
export async function addRecord(
  record: { readonly name: string; readonly type: string; readonly value: string },
  flags: ClientFlags,
  terminal: Terminal,
): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postRecords', { body: record }), recordsText);
}
