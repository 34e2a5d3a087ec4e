/** `arpanet hosts reset`. Effects: an HTTP request, the terminal. */
import type { ClientFlags, Terminal } from '../../command.ts';
import { hostWork } from './host-work.ts';

export async function resetHost(host: string, flags: ClientFlags & { readonly force?: boolean }, terminal: Terminal): Promise<void> {
  const result = await hostWork('postHostsReset', { host, body: { force: flags.force === true } }, flags, terminal);
  if (flags.json === true) terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
}
