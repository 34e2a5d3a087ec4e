/** The commands for schedulers; declared here, each in a file of its own. */
import type { Command } from 'commander';
import { addClientCommand, addCommand, type ClientFlags, type Terminal } from '../../command.ts';

export function addSchedulerCommands(root: Command, terminal: Terminal): void {
  const schedulers = addCommand(root, 'schedulers', 'add a scheduler', ['arpanet schedulers add s2']);
  addClientCommand(schedulers, 'add <name>', 'print the line that makes a machine another scheduler of the cluster (with Consul)', [
    'arpanet schedulers add s2',
    'arpanet schedulers add s2 --address 10.0.0.2',
  ])
    .option('--address <IP>', 'where the hosts reach it (default: where its route to this one begins)')
    .action(async (name: string, flags: ClientFlags & { readonly address?: string }) =>
      (await import('./add.ts')).addScheduler(name, flags, terminal),
    );
}
