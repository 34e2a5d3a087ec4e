/** `arpanet config sample`. Effects: the terminal. */
import { SAMPLED, sampleFile } from '../../../config/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import type { Terminal } from '../../command.ts';

/** Throws `invalid` for another process, a word that is not KEY=VALUE, or an unknown setting. */
export function printSample(process: string, values: readonly string[], { out }: Pick<Terminal, 'out'>): void {
  const command = SAMPLED.find((one) => one === process);
  if (command === undefined) throw new ArpanetError('invalid', `there is a sample for ${SAMPLED.join(' and ')}, not for ${process}`);
  const given = values.map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw new ArpanetError('invalid', `"${word}" is not KEY=VALUE`);
    return [word.slice(0, at), word.slice(at + 1)] as const;
  });
  out(sampleFile(command, Object.fromEntries(given)));
}
