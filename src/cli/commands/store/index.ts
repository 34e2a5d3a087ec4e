/** `arpanet backup`, `restore` and `recover`, declared here, each in a file of its own. Only those that run load a store. */
import type { Command } from 'commander';
import { addClientCommand, addCommand, several, type Terminal } from '../../command.ts';
import type { BackupFlags } from './backup.ts';
import type { RecoverFlags } from './recover.ts';
import type { RestoreFlags } from './restore.ts';

export function addStoreCommands(root: Command, terminal: Terminal): void {
  addClientCommand(root, 'backup <file>', 'write all records of the store to a file (- for standard output); it contains the join token', [
    'arpanet backup arpanet-2026-11-20.backup',
    'arpanet backup --store consul://127.0.0.1:8500 -   # without a scheduler',
  ])
    .option('--store <URL>', 'read this store (consul://HOST:PORT or embedded:DIR) instead of asking a scheduler')
    .action(async (file: string, flags: BackupFlags) => (await import('./backup.ts')).backup(file, flags, terminal));

  const filling = (words: string, summary: string, examples: readonly string[]) =>
    addCommand(root, words, summary, examples)
      .requiredOption('--store <URL>', 'the store to fill: consul://HOST:PORT or embedded:DIR; no scheduler may run on it')
      .option('--force', 'replace the records that the store has');

  filling('restore <file>', 'fill an empty store from a backup, while all schedulers are stopped', [
    'arpanet restore --store consul://127.0.0.1:8500 arpanet-2026-11-20.backup',
  ]).action(async (file: string, flags: RestoreFlags) => (await import('./restore.ts')).restore(file, flags, terminal));

  filling('recover <agents...>', "rebuild a lost store from the Engines' labels and the agents' copies", [
    'arpanet recover 10.0.0.11:2376 --store consul://127.0.0.1:8500 --token-file join-token --plan',
    'arpanet recover 10.0.0.11:2376 --store consul://127.0.0.1:8500 --token-file join-token --backup last-month.backup',
    'arpanet recover 10.0.0.11:2376 10.0.0.12:2376 --store consul://127.0.0.1:8500 --token-file join-token --trust-labels',
  ])
    .option('--token-file <FILE>', 'file with the join token that the agents were started with (or ARPANET_JOIN_TOKEN)')
    .option('--backup <FILE>', 'a backup of this cluster, however old: the key in it proves what labels say')
    .option('--trust-labels', 'take over containers whose labels are not proven; read the plan first')
    .option('--without <HOST>', 'continue without this host, which is lost; may be given several times', several)
    .option('--plan', 'show what would be written, and write nothing')
    .option('--json', 'print the records as JSON')
    .action(async (agents: readonly string[], flags: RecoverFlags) => (await import('./recover.ts')).recover(agents, flags, terminal));
}
