/** `arpanet hosts rm`. Effects: HTTP requests, the terminal. */
import { scriptLine } from '../../../operator-api/joining/script.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { hostWork } from './host-work.ts';

/** One after the other; the first that fails ends the command. Then the line that takes everything off the machines. */
export async function removeHosts(
  names: readonly string[],
  flags: ClientFlags & { readonly force?: boolean },
  terminal: Terminal,
): Promise<void> {
  const results: unknown[] = [];
  for (const name of names)
    results.push(await hostWork('postHostsRm', { host: name, body: { force: flags.force === true } }, flags, terminal));
  if (flags.json === true) return terminal.out(`${JSON.stringify(results, undefined, 2)}\n`);
  const { api } = clientCall(flags, terminal);
  // who may remove hosts may not see it, or the scheduler listens on loopback: nothing is missing then but the hint
  const installer = await api.v1.call('getInstaller').catch(() => undefined);
  if (installer === undefined) return;
  terminal.say(
    `to take arpanet off ${names.length === 1 ? 'that machine' : 'those machines'}, run there (Docker stays as it is):\n\n  ${scriptLine(installer, ['--remove'])}\n`,
  );
}
