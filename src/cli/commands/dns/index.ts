/** `arpanet dns ls`, `add` and `rm`, declared here, each in a file of its own. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, type Terminal } from '../../command.ts';
import { addListCommand, type ListFlags } from '../../list.ts';

export function addDnsCommands(root: Command, terminal: Terminal): void {
  const dns = root.command('dns').description('DNS names of services, and names you add for what runs outside').exitOverride();
  addListCommand(dns, 'ls', 'list the names that DNS answers, with their addresses', ['arpanet dns ls', 'arpanet dns ls --json']).action(
    async (flags: ListFlags) => (await import('./ls.ts')).listNames(flags, terminal),
  );
  addClientCommand(dns, 'add <name> <type> <value...>', 'add a record for something outside the cluster: A, AAAA, CNAME, SRV or TXT', [
    'arpanet dns add outside.abc A 192.0.2.7        # the short name outside in deployment abc',
    'arpanet dns add billing.abc CNAME billing.example.com',
    'arpanet dns add _ldap._tcp.abc SRV 10 5 389 ldap.example.com',
  ]).action(async (name: string, type: string, value: readonly string[], flags: ClientFlags) =>
    (await import('./add.ts')).addRecord({ name, type, value: value.join(' ') }, flags, terminal),
  );
  addClientCommand(dns, 'rm <name> [type] [value...]', 'remove records that were added: a name, one type of it, or one record', [
    'arpanet dns rm outside.abc',
    'arpanet dns rm outside.abc A 192.0.2.7',
  ]).action(async (name: string, type: string | undefined, value: readonly string[], flags: ClientFlags) =>
    (await import('./rm.ts')).removeRecords({ name, type, ...(value.length === 0 ? {} : { value: value.join(' ') }) }, flags, terminal),
  );
}
