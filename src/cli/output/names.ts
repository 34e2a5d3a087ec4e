/** `arpanet dns ls`: DNS names as text for a terminal. Pure. */
import type { OutsideName } from '../../model/index.ts';
import type { NameReport } from '../../operator-api/index.ts';
import { table } from './table.ts';

export function namesText(names: readonly NameReport[], width?: number): string {
  return table(
    ['NAME', 'READY', 'HOST', 'ADDRESS'],
    names.flatMap((one) =>
      one.records === undefined
        ? [
            [
              `${one.name}.service.consul`,
              `${one.ready}/${one.instances}`,
              one.hosts.join(','),
              one.addresses.length === 0 ? '-' : one.addresses.join(','),
            ],
          ]
        : one.records.map(({ type, value }) => [`${one.name}.service.consul`, '-', 'outside', `${type} ${value}`]),
    ),
    width,
  );
}

/** `outside.abc A 192.0.2.7`, one record per line. */
export const recordsText = ({ name, entries }: OutsideName): string =>
  entries.map(({ type, value }) => `${name} ${type} ${value}`).join('\n');

/** The same, after a removal. */
export const removedRecordsText = ({ name, entries }: OutsideName): string =>
  entries.map(({ type, value }) => `${name} ${type} ${value}: removed`).join('\n');
