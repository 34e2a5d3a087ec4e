/** `arpanet man`, declared here. */
import type { Command } from 'commander';
import { addCommand, type Terminal } from '../../command.ts';

export function addManualCommand(root: Command, terminal: Terminal): void {
  addCommand(root, 'man', 'print the manual page, made from the help of all commands', [
    'arpanet man | man -l -',
    'arpanet man > /usr/local/share/man/man1/arpanet.1',
  ]).action(async () => (await import('./manual.ts')).printManual(root, terminal));
}
