/** `arpanet backup`, `restore` and `recover`: their flags. What they do is loaded when they are called: other commands need no store. */
import type { Command } from 'commander';
import { askingCommand, type Terminal } from '../../api-client.ts';
import type { BackupFlags, RecoverFlags, RestoreFlags } from './job.ts';

const job = () => import('./job.ts');

export function addRecoveryCommands(root: Command, terminal: Terminal): void {
  askingCommand(root, 'backup <file>', 'write all that the store holds to a file (- for standard output); it holds the join token', [
    'arpanet backup arpanet-2026-11-20.backup',
    'arpanet backup --store consul://127.0.0.1:8500 -   # without a scheduler',
  ])
    .option('--store <URL>', 'read this store (consul://HOST:PORT or embedded:DIR) instead of asking a scheduler')
    .action(async (file: string, flags: BackupFlags) => (await job()).backup(file, flags, terminal));

  const storing = (words: string, summary: string, examples: readonly string[]) =>
    root
      .command(words)
      .description(summary)
      .requiredOption('--store <URL>', 'the store to fill: consul://HOST:PORT or embedded:DIR; no scheduler may run on it')
      .option('--force', 'replace what the store holds')
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
      .exitOverride();

  storing('restore <file>', 'fill an empty store from a backup, with all schedulers stopped', [
    'arpanet restore --store consul://127.0.0.1:8500 arpanet-2026-11-20.backup',
  ]).action(async (file: string, flags: RestoreFlags) => (await job()).restore(file, flags, terminal));

  storing('recover <agents...>', "make a lost store anew from the Engines' labels and what the agents keep", [
    'arpanet recover 10.0.0.11:2376 --store consul://127.0.0.1:8500 --token-file join-token --plan',
    'arpanet recover 10.0.0.11:2376 10.0.0.12:2376 --store consul://127.0.0.1:8500 --token-file join-token',
  ])
    .option('--token-file <FILE>', 'file that holds the join token that the agents were started with (or ARPANET_JOIN_TOKEN)')
    .option(
      '--without <HOST>',
      'go on without this host, which is lost; may be given several times',
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
    )
    .option('--plan', 'say what would be written, and write nothing')
    .option('--json', 'print the records as JSON')
    .action(async (agents: readonly string[], flags: RecoverFlags) => (await job()).recover(agents, flags, terminal));
}
