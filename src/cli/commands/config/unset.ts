/** `arpanet config unset`. Effects: an HTTP request, the terminal. */
import type { SettingReport } from '../../../operator-api/index.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { settingText } from '../../output/settings.ts';

export async function unsetSetting(name: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  show(await api.json<SettingReport>(`/arpanet/v1/config/${encodeURIComponent(name)}`, { method: 'DELETE' }), settingText);
}
