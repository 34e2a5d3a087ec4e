/** Commands whose flags are settings: each may also be given in the environment or in the file of --config (config/options.ts). */
import type { Command } from 'commander';
import { clientConfig, isClientCommand } from '../config/client.ts';
import { type Command as CommandName, environmentName, optionsOf } from '../config/options.ts';
import type { ConfigOf } from '../config/index.ts';
import { several } from './command.ts';

/** Adds the command with a flag for each of its settings, and help that names default, variable and secrets. */
export function addConfiguredCommand(root: Command, name: CommandName, summary: string, examples: readonly string[]): Command {
  const command = root.command(name).description(summary).exitOverride();
  const options = optionsOf(name);
  for (const option of options) {
    const { required, default: preset, help = option.help } = option.commands[name] ?? {};
    if (option.secret === true) continue;
    const flag = option.value === undefined ? `--${option.name}` : `--${option.name} <${option.value}>`;
    const notes = [
      required === true ? 'required' : '',
      preset === undefined ? '' : `default ${preset}`,
      `env ${environmentName(option.name)}`,
    ];
    const text = `${help} (${notes.filter(Boolean).join('; ')})`;
    if (option.repeated === true) command.option(flag, text, several);
    else command.option(flag, text);
  }
  const secrets = options.filter((option) => option.secret === true).map((option) => `  ${environmentName(option.name)}: ${option.help}`);
  return command.addHelpText(
    'after',
    `${secrets.length === 0 ? '' : `\nOnly as a variable, or in the file of --config:\n${secrets.join('\n')}\n`}\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`,
  );
}

export type Flags = Readonly<Record<string, unknown>>;

/** The settings of a command: flags over environment over file over defaults. Flags that are no settings are the command's own. Throws `invalid` naming the flag, variable or key. */
export async function settingsOf<C extends CommandName>(command: C, given: Flags, env: NodeJS.ProcessEnv): Promise<ConfigOf<C>> {
  const settings = new Set(
    optionsOf(command).map(({ name }) => name.replaceAll(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase())),
  );
  const flags = Object.fromEntries(Object.entries(given).filter(([name]) => settings.has(name)));
  // a flag goes before both variables, and the endpoint's before the context's
  const hidden = flags['context'] === undefined ? (flags['endpoint'] ?? env['ARPANET_ENDPOINT']) && 'ARPANET_CONTEXT' : 'ARPANET_ENDPOINT';
  const shown = hidden ? { ...env, [hidden]: undefined } : env;
  if (isClientCommand(command) && !(flags['config'] ?? env[environmentName('config')]))
    return clientConfig(command, { flags, env: shown }) as ConfigOf<C>;
  const [{ loadConfig }, { readFileSync }] = await Promise.all([import('../config/index.ts'), import('node:fs')]);
  return loadConfig(command, { flags, env: shown, readFile: (path) => readFileSync(path, 'utf8') });
}
