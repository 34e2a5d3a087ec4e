/** `arpanet config` as text for a terminal. Pure. */
import type { SettingReport } from '../../operator-api/index.ts';
import { table } from './table.ts';

export function settingsText(settings: readonly SettingReport[], width?: number): string {
  return table(
    ['SETTING', 'VALUE', 'FROM'],
    settings.map(({ name, value, isSet, own }) => [name, value, isSet ? `arpanet config set (started with ${own})` : 'started with']),
    width,
  );
}

/** After a change: `strategy is binpack`. */
export const settingText = ({ name, value, isSet }: SettingReport): string =>
  `${name} is ${value}${isSet ? '' : ', as the schedulers were started'}`;
