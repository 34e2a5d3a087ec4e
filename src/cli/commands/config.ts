/** `arpanet config`: the settings of the whole cluster. Effects: HTTP requests, the terminal. */
import type { Command } from 'commander';
import { ArpanetError } from '../../model/index.ts';
import { type SettingReport, settingsText } from '../../operator-api/index.ts';
import { LIVE, liveValue } from '../../config/index.ts';
import { type AskingFlags, askingCommand, endpointOf, type Terminal } from '../api-client.ts';

export function addConfigCommands(root: Command, { env, out }: Terminal): void {
  const config = root.command('config').description('settings of the whole cluster, changed while it runs').exitOverride();
  const show = <T>(flags: AskingFlags, value: T, text: (value: T) => string) =>
    out(`${flags.json === true ? JSON.stringify(value, undefined, 2) : text(value)}\n`);
  const changed = ({ name, value, isSet }: SettingReport) => `${name} is ${value}${isSet ? '' : ', as the schedulers were started'}`;

  askingCommand(config, 'get [name]', 'all settings that can be changed, or the value of one', [
    'arpanet config get',
    'arpanet config get strategy',
  ]).action(async (name: string | undefined, flags: AskingFlags) => {
    const all = await endpointOf(flags, env).json<readonly SettingReport[]>('/arpanet/v1/config');
    if (name === undefined) return show(flags, all, settingsText);
    const one = all.find((setting) => setting.name === name);
    if (one === undefined) {
      liveValue(name, '');
      throw new ArpanetError('invalid', `the leader does not know ${name}: it is older`);
    }
    show(flags, one, ({ value }) => value);
  });
  askingCommand(config, 'set <name> <value>', 'for all schedulers and agents, at once, and for those that start later', [
    'arpanet config set strategy binpack',
    'arpanet config set host-down-after 20s',
    'arpanet config set log-level debug',
  ])
    .addHelpText('after', `\nSettings: ${LIVE.join(', ')}`)
    .action(async (name: string, value: string, flags: AskingFlags) => {
      liveValue(name, value);
      const path = `/arpanet/v1/config/${encodeURIComponent(name)}`;
      show(flags, await endpointOf(flags, env).json<SettingReport>(path, { method: 'PUT', body: { value } }), changed);
    });
  askingCommand(config, 'unset <name>', 'back to what each process was started with', ['arpanet config unset strategy']).action(
    async (name: string, flags: AskingFlags) => {
      const path = `/arpanet/v1/config/${encodeURIComponent(name)}`;
      show(flags, await endpointOf(flags, env).json<SettingReport>(path, { method: 'DELETE' }), changed);
    },
  );
}
