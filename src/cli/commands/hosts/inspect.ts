/** `arpanet hosts inspect`. Effects: an HTTP request, the terminal. */
import type { HostDetail } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostDetailText } from '../../output/host-detail.ts';
import { hostPath } from './host-work.ts';

export async function inspectHost(host: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<HostDetail>(hostPath(host)), hostDetailText);
}
