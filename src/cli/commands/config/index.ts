/** `arpanet config get`, `set` and `unset`: the settings of the whole cluster, and `sample`: a file with those of a process; declared here, each in a file of its own. */
import type { Command } from 'commander';
import { OPTIONS } from '../../../config/options.ts';
import { addClientCommand, addCommand, type ClientFlags, type Terminal } from '../../command.ts';

export function addConfigCommands(root: Command, terminal: Terminal): void {
  const config = root.command('config').description('settings of the whole cluster, changed while it runs').exitOverride();
  addClientCommand(config, 'get [name]', 'show all settings that can be changed, or the value of one', [
    'arpanet config get',
    'arpanet config get strategy',
  ]).action(async (name: string | undefined, flags: ClientFlags) => (await import('./get.ts')).getSettings(name, flags, terminal));
  const names = OPTIONS.filter(({ live }) => live === true).map(({ name }) => name);
  addClientCommand(config, 'set <name> <value>', 'set one for all schedulers and agents, now and for those that start later', [
    'arpanet config set strategy binpack',
    'arpanet config set host-down-after 20s',
    'arpanet config set log-level debug',
  ])
    .addHelpText('after', `\nSettings: ${names.join(', ')}`)
    .action(async (name: string, value: string, flags: ClientFlags) => (await import('./set.ts')).setSetting(name, value, flags, terminal));
  addClientCommand(config, 'unset <name>', 'go back to the value that each process was started with', [
    'arpanet config unset strategy',
  ]).action(async (name: string, flags: ClientFlags) => (await import('./unset.ts')).unsetSetting(name, flags, terminal));
  addCommand(config, 'sample <process> [values...]', 'print a file for --config of a scheduler or agent, with every setting and its help', [
    'arpanet config sample scheduler',
    'arpanet config sample agent name=db-1 address=10.0.0.11 join=https://10.0.0.1:2376 > /etc/arpanet/agent.yaml',
  ]).action(async (process: string, values: readonly string[]) => (await import('./sample.ts')).printSample(process, values, terminal));
}
