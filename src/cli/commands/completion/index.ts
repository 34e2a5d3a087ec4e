/** `arpanet completion`, declared here. */
import type { Command } from 'commander';
import { addCommand, type Terminal } from '../../command.ts';

export function addCompletionCommand(root: Command, terminal: Terminal): void {
  addCommand(root, 'completion <shell>', 'print a completion script for a shell (bash, zsh, fish), to be sourced', [
    'source <(arpanet completion bash)',
    'source <(arpanet completion zsh)',
    'arpanet completion fish | source',
  ]).action(async (shell: string) => (await import('./completion.ts')).printCompletion(root, shell, terminal));
}
