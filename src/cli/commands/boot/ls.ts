/** `arpanet boot ls`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { bootText } from './text.ts';

const TIMEOUT_MS = 15_000;

export async function listMachines(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('getBoot', {}, { timeoutMs: TIMEOUT_MS }), bootText);
}
