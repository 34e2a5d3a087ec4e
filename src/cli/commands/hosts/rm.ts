/** `arpanet hosts rm`. Effects: HTTP requests, the terminal. */
import type { ClientFlags, Terminal } from '../../command.ts';
import { hostPath, hostWork } from './host-work.ts';

/** One after the other; the first that fails ends the command. */
export async function removeHosts(
  names: readonly string[],
  flags: ClientFlags & { readonly force?: boolean },
  terminal: Terminal,
): Promise<void> {
  const results: unknown[] = [];
  for (const name of names) results.push(await hostWork(hostPath(name, '/rm'), { force: flags.force === true }, flags, terminal));
  if (flags.json === true) terminal.out(`${JSON.stringify(results, undefined, 2)}\n`);
}
