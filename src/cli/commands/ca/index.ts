/** `arpanet ca`, `arpanet ca rotate` and `arpanet ca finish`, declared here. */
import type { Command } from 'commander';
import { addClientCommand, type ClientFlags, type Terminal } from '../../command.ts';

export function addCaCommands(root: Command, terminal: Terminal): void {
  const ca = root.command('ca').description("the cluster's certificate authorities: which sign, which are trusted").exitOverride();
  addClientCommand(ca, 'show', 'show which CA signs, which are trusted, and who has certificates of one before', [
    'arpanet ca show',
    'arpanet ca show --json',
  ]).action(async (flags: ClientFlags) => (await import('./ca.ts')).showCas(flags, terminal));
  addClientCommand(
    ca,
    'rotate',
    'let another CA sign from now on; the one before is trusted until "arpanet ca finish", and hosts and schedulers renew by themselves',
    ['arpanet ca rotate'],
  ).action(async (flags: ClientFlags) => (await import('./ca.ts')).rotateCa(flags, terminal));
  addClientCommand(ca, 'finish', 'trust the CA that signs alone; refused while hosts or users have certificates of the one before', [
    'arpanet ca finish',
    'arpanet ca finish --force   # who has one of the CA before is out',
  ])
    .option('--force', 'also where hosts or users have certificates of the CA before: these count no more')
    .action(async (flags: ClientFlags & { readonly force?: boolean }) => (await import('./ca.ts')).finishCa(flags, terminal));
}
