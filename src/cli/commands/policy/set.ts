/** `arpanet policy set`. Effects: a file, an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { policyText, textOf } from './files.ts';

/** Throws `invalid` for a role or rule that there is not, with the nearest name. */
export async function setPolicy(file: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const policy = textOf(file);
  show(await api.v1.call('putPolicy', { body: { policy } }), policyText);
}
