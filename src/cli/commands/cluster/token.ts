/** `arpanet token` and `arpanet token rotate`. Effects: an HTTP request, the terminal. */
import { hint } from '../../../config/nearest.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import type { ApiClient } from '../../api-client.ts';
import { type Flags, settingsOf } from '../../configured-command.ts';
import { ttlOf } from '../../times.ts';

const TIMEOUT_MS = 15_000;

interface Answer {
  readonly token: string;
  /** When it ends, since 1970; absent: when it is rotated. */
  readonly untilMs?: number;
}

export interface PassFlags {
  readonly singleUse?: boolean;
  readonly ttl?: string;
}

/** With one of the flags another is made, which ends by itself. Throws `invalid` for a verb that there is not. */
export async function showToken(verb: string | undefined, flags: Flags & PassFlags, terminal: Terminal): Promise<void> {
  if (verb !== undefined) throw new ArpanetError('invalid', `"${verb}" is no command for the token; ${hint(verb, ['rotate'])}`);
  const { api, show } = clientCall(await settingsOf('token', flags, terminal.env), terminal);
  const { token, ...more } = await tokenFor(api, flags);
  show({ token, ...more }, () => token);
}

/** The join token, or with one of the flags another: for `host` alone if that is given. */
export async function tokenFor(api: ApiClient, { singleUse, ttl }: PassFlags, host?: string): Promise<Answer> {
  if (singleUse !== true && ttl === undefined) return await api.v1.call('getToken', {}, { timeoutMs: TIMEOUT_MS });
  const body = { singleUse: singleUse === true, ...ttlOf(ttl), ...(host !== undefined && { host }) };
  return await api.v1.call('postToken', { body }, { timeoutMs: TIMEOUT_MS });
}

export async function rotateToken(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postTokenRotate', {}, { timeoutMs: TIMEOUT_MS }), ({ token }) => token);
}
