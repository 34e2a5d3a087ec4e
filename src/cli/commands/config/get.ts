/** `arpanet config get`. Effects: an HTTP request, the terminal. */
import { liveValue } from '../../../config/live.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { settingsText } from '../../output/settings.ts';

/** Throws `invalid` for a name that is no setting. */
export async function getSettings(name: string | undefined, flags: ClientFlags, terminal: Terminal): Promise<void> {
  const { api, show } = clientCall(flags, terminal);
  const all = await api.v1.call('getConfig');
  if (name === undefined) return show(all, settingsText);
  const setting = all.find((one) => one.name === name);
  if (setting === undefined) {
    liveValue(name, '');
    throw new ArpanetError('invalid', `the leader does not know the setting ${name}: it runs an older version`);
  }
  show(setting, ({ value }) => value);
}
