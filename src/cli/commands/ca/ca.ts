/** `arpanet ca show`, `rotate` and `finish`. Effects: an HTTP request, the terminal. */
import type { CaReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { caText } from '../../output/cas.ts';

const TIMEOUT_MS = 60_000;

async function call(path: string, method: 'GET' | 'POST', body: object | undefined, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<CaReport>(`/arpanet/v1/cas${path}`, { method, body, timeoutMs: TIMEOUT_MS }), caText);
}

export const showCas = (flags: ClientFlags, terminal: Terminal): Promise<void> => call('', 'GET', undefined, flags, terminal);

export const rotateCa = (flags: ClientFlags, terminal: Terminal): Promise<void> => call('/rotate', 'POST', undefined, flags, terminal);

export const finishCa = ({ force = false, ...flags }: ClientFlags & { readonly force?: boolean }, terminal: Terminal): Promise<void> =>
  call('/finish', 'POST', { force }, flags, terminal);
