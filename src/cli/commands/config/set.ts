/** `arpanet config set`. Effects: an HTTP request, the terminal. */
import { liveValue } from '../../../config/live.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { settingText } from '../../output/settings.ts';

/** Throws `invalid` for a name that is no setting, or a value that it cannot have. */
export async function setSetting(name: string, value: string, flags: ClientFlags, terminal: Terminal): Promise<void> {
  liveValue(name, value);
  const { api, show } = clientCall(flags, terminal);
  show(await api.v1.call('putConfigOne', { name, body: { value } }), settingText);
}
