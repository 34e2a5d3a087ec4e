/** `arpanet config unset`. Effects: an HTTP request, the terminal. */
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { settingText } from '../../output/settings.ts';

export async function unsetSetting(name: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('deleteConfigOne', { name }), settingText);
}
