/** `arpanet ip ls`, declared here. */
import type { Command } from 'commander';
import { addClientCommand, type Terminal } from '../../command.ts';
import { type ListFlags, type PageFlags, withPageFlags } from '../../list.ts';

export function addIpCommands(root: Command, terminal: Terminal): void {
  const ip = root.command('ip').description('IP addresses of networks and containers').exitOverride();
  withPageFlags(
    addClientCommand(ip, 'ls', 'list networks, their subnets, and who has which address', ['arpanet ip ls', 'arpanet ip ls --json']),
  ).action(async (flags: ListFlags & PageFlags) => (await import('./ls.ts')).listAddresses(flags, terminal));
}
