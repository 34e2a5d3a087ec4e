/** The values of flags of host commands, parsed. Pure. */
import { ArpanetError } from '../../../model/index.ts';
import { parseSize } from '../../../text/size.ts';

export interface LimitFlags {
  readonly cpus?: string;
  readonly memory?: string;
  readonly maxContainers?: string;
}

/** `none` is null: no limit. Throws `invalid`. */
export function limitsOf({ cpus, memory, maxContainers }: LimitFlags): Readonly<Record<string, number | null>> {
  const limit = (flag: string, text: string, read: (text: string) => number | undefined, how: string): number | null => {
    if (text === 'none') return null;
    const value = read(text);
    if (value !== undefined && Number.isFinite(value) && value > 0) return value;
    throw new ArpanetError('invalid', `${flag} is "${text}": write ${how}, or none for no limit`);
  };
  const whole = (text: string) => (/^\d+$/.test(text) ? Number(text) : NaN);
  return {
    ...(cpus === undefined ? {} : { cpus: limit('--cpus', cpus, Number, 'a number of cores, as 1.5') }),
    ...(memory === undefined ? {} : { memoryBytes: limit('--memory', memory, parseSize, 'a size, as 512m or 2g') }),
    ...(maxContainers === undefined ? {} : { maxContainers: limit('--max-containers', maxContainers, whole, 'a whole number') }),
  };
}

/** `disk=ssd` and `--label-rm rack`. Throws `invalid`. */
export function labelsOf(added: readonly string[] = [], removed: readonly string[] = []): Readonly<Record<string, string | null>> {
  const pairs = added.map((text): readonly [string, string] => {
    const [, key, value] = /^([^=\s]+)=(.*)$/.exec(text) ?? [];
    if (key === undefined || value === undefined) throw new ArpanetError('invalid', `the label "${text}" is not KEY=VALUE, as disk=ssd`);
    return [key, value];
  });
  return { ...Object.fromEntries(removed.map((key) => [key, null])), ...Object.fromEntries(pairs) };
}

/** The command to run on the machine that is to join, where the scheduler has no package for it. */
export function joinLine(host: { readonly name: string; readonly address?: string }, join: readonly string[], token: string): string {
  return `ARPANET_JOIN_TOKEN=${token} arpanet agent --join ${join.join(',')} --name ${host.name} --address ${host.address ?? 'ITS-IP-ADDRESS'}`;
}
