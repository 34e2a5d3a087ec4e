/** `arpanet key show` and `arpanet key rotate`, declared here. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, type Terminal } from '../../command.ts';

export function addKeyCommands(root: Command, terminal: Terminal): void {
  const key = root.command('key').description("the cluster key, which seals the store's secrets: its name, never itself").exitOverride();
  addClientCommand(key, 'show', 'show what the keys are called, the one that seals first, and which schedulers lack it', [
    'arpanet key show',
  ]).action(async (flags: ClientFlags) => (await import('./key.ts')).showKeys(flags, terminal));
  addClientCommand(
    key,
    'rotate',
    'make another key: schedulers with TLS get it from the leader, and once all have it, it seals, and what is stored is sealed again',
    ['arpanet key rotate'],
  ).action(async (flags: ClientFlags) => (await import('./key.ts')).rotateKey(flags, terminal));
}
