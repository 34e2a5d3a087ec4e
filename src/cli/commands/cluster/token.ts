/** `arpanet token` and `arpanet token rotate`. Effects: an HTTP request, the terminal. */
import { hint } from '../../../config/nearest.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';

const TIMEOUT_MS = 15_000;
const PATH = '/arpanet/v1/token';

interface Answer {
  readonly token: string;
}

/** Throws `invalid` for a verb that there is not. */
export async function showToken(verb: string | undefined, flags: Flags, terminal: Terminal): Promise<void> {
  if (verb !== undefined) throw new ArpanetError('invalid', `"${verb}" is no command for the token; ${hint(verb, ['rotate'])}`);
  const { api, show } = clientCall(await settingsOf('token', flags, terminal.env), terminal);
  show(await api.json<Answer>(PATH, { timeoutMs: TIMEOUT_MS }), ({ token }) => token);
}

export async function rotateToken(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<Answer>(`${PATH}/rotate`, { method: 'POST', timeoutMs: TIMEOUT_MS }), ({ token }) => token);
}
