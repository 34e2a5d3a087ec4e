/** `arpanet token`. Effects: an HTTP request, the terminal. */
import { clientCall, type Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';

const TIMEOUT_MS = 15_000;

export async function showToken(flags: Flags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(await settingsOf('token', flags, terminal.env), terminal);
  show(await api.json<{ readonly token: string }>('/arpanet/v1/token', { timeoutMs: TIMEOUT_MS }), ({ token }) => token);
}
