/** `arpanet explain`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { explainText, timingText } from '../../output/explain.ts';

export interface ExplainFlags extends ClientFlags {
  readonly timing?: boolean;
}

export async function explain(reference: string, flags: ExplainFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('getExplainOne', { container: reference }), (decision, width) =>
    flags.timing === true ? timingText(decision.container, decision) : explainText(decision.container, decision, width),
  );
}
