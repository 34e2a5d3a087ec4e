/** `arpanet explain`. Effects: an HTTP request, the terminal. */
import type { Explained } from '../../../model/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { explainText, timingText } from '../../output/explain.ts';

export interface ExplainFlags extends ClientFlags {
  readonly timing?: boolean;
}

export async function explain(reference: string, flags: ExplainFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const path = `/arpanet/v1/explain/${encodeURIComponent(reference)}`;
  show(await api.json<Explained & { readonly container: string }>(path), (decision) =>
    flags.timing === true ? timingText(decision.container, decision) : explainText(decision.container, decision),
  );
}
