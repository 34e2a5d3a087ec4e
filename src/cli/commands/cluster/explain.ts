/** `arpanet explain`. Effects: an HTTP request, the terminal. */
import type { Explained } from '../../../model/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { explainText } from '../../output/explain.ts';

export async function explain(reference: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const path = `/arpanet/v1/explain/${encodeURIComponent(reference)}`;
  show(await api.json<Explained & { readonly container: string }>(path), (decision) => explainText(decision.container, decision));
}
