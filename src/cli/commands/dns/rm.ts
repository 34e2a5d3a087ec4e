/** `arpanet dns rm`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { removedRecordsText } from '../../output/names.ts';

/** All records of the name, those of one type, or one record. */
export async function removeRecords(
  records: { readonly name: string; readonly type: string | undefined; readonly value?: string },
  flags: ClientFlags,
  terminal: Terminal,
): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postRecordsRm', { body: records }), removedRecordsText);
}
