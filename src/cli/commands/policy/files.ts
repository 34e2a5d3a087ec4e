/** The files of `arpanet policy`, read and written. Effects: reads a file, or standard input. */
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { ArpanetError } from '../../../model/errors.ts';

/** `-`: standard input. Throws `invalid` for a file that cannot be read. */
export function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new ArpanetError('invalid', `cannot read ${file === '-' ? 'standard input' : file}`, { cause });
  }
}

/** What roles have to obey, by role. */
export type Shown = Readonly<Record<string, object>>;

/** A file that `set` takes. */
export const policyText = (policies: Shown): string => stringify(policies, { lineWidth: 0, flowCollectionPadding: false }).trimEnd();
