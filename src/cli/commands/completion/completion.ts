/** `arpanet completion`. Effects: the terminal. */
import type { Command } from 'commander';
import { ArpanetError } from '../../../model/errors.ts';
import type { Terminal } from '../../command.ts';
import { type CompletedCommand, completions } from './scripts.ts';

/** Throws `invalid` for another shell than bash, zsh and fish. */
export function printCompletion(root: Command, shell: string, { out }: Pick<Terminal, 'out'>): void {
  const script = Object.hasOwn(completions, shell) ? completions[shell] : undefined;
  if (script === undefined)
    throw new ArpanetError('invalid', `there is completion for ${Object.keys(completions).join(', ')}, not for ${shell}`);
  out(`${script(completed(root, ''))}\n`);
}

/** All commands below one, with the words and flags that may follow. */
function completed(command: Command, before: string): CompletedCommand[] {
  return command.commands.flatMap((one) => {
    const words = `${before}${one.name()}`;
    if (one.commands.length > 0) return completed(one, `${words} `);
    const options = one.options.flatMap((option) => (option.long === undefined || option.long === null ? [] : [option.long]));
    return [{ words, summary: one.description(), options }];
  });
}
