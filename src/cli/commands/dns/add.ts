/** `arpanet dns add`. Effects: an HTTP request, the terminal. */
import type { OutsideName } from '../../../model/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { recordsText } from '../../output/names.ts';

/** `value` as in a zone file: `10 5 389 ldap.example.com` for SRV. The leader reads it. */
export async function addRecord(
  record: { readonly name: string; readonly type: string; readonly value: string },
  flags: ClientFlags,
  terminal: Terminal,
): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<OutsideName>('/arpanet/v1/records', { method: 'POST', body: record }), recordsText);
}
