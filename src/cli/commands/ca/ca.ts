/** `arpanet ca show`, `rotate` and `finish`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { caText } from '../../output/cas.ts';

const LIMIT = { timeoutMs: 60_000 };

export async function showCas(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('getCas', {}, LIMIT), caText);
}

export async function rotateCa(flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postCasRotate', {}, LIMIT), caText);
}

export async function finishCa({ force = false, ...flags }: ClientFlags & { readonly force?: boolean }, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('postCasFinish', { body: { force } }, LIMIT), caText);
}
