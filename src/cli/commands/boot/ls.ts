/** `arpanet boot ls`. Effects: an HTTP request, the terminal. */
import type { BootState } from '../../../contracts/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { bootText } from './text.ts';

const TIMEOUT_MS = 15_000;

export async function listMachines(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<BootState>('/arpanet/v1/boot', { timeoutMs: TIMEOUT_MS }), bootText);
}
