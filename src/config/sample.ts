/** A file for `--config` with every setting that a process has: its help above it, commented out unless it has a value. Pure. */
import { ArpanetError } from '../model/index.ts';
import { type Command, environmentName, type Option, optionsOf } from './options.ts';

/** The processes that run as services, with a file each. */
export const SAMPLED = ['scheduler', 'agent'] as const satisfies readonly Command[];
/** One of SAMPLED. */
export type Sampled = (typeof SAMPLED)[number];

/** Characters of a line of comment. */
const WIDTH = 100;

/**
 * The text of the file. `given`: values by name, which are not commented out; a repeated one is separated by commas.
 * Throws `invalid` for a name that is no setting of this process.
 */
export function sampleFile(command: Sampled, given: Readonly<Record<string, string>> = {}): string {
  const options = optionsOf(command).filter(({ name }) => name !== 'config');
  const unknown = Object.keys(given).find((name) => !options.some((option) => option.name === name));
  if (unknown !== undefined) throw new ArpanetError('invalid', `"${unknown}" is not a setting of arpanet ${command}`);
  const head = comment(
    `Settings of arpanet ${command}. Flags and ARPANET_* variables override this file. A line that is commented out shows the default, or what the value looks like (in capitals).`,
  );
  return `${[head, ...options.map((option) => section(option, command, given[option.name]))].join('\n\n')}\n`;
}

function section(option: Option, command: Sampled, value: string | undefined): string {
  const { required, default: preset, help = option.help } = option.commands[command] ?? {};
  const note = [required === true ? 'required' : '', option.live === true ? 'changed while it runs by "arpanet config set"' : ''];
  const notes = note.filter(Boolean).join('; ');
  const above = comment(
    `${help[0]?.toUpperCase()}${help.slice(1)}${notes === '' ? '' : ` (${notes})`}. Variable: ${environmentName(option.name)}`,
  );
  const shown = value ?? preset ?? option.value?.replace(',…', '') ?? 'true';
  return `${above}\n${value === undefined ? '# ' : ''}${option.name}: ${option.value === undefined ? shown : yaml(shown, option.repeated === true)}`;
}

/** A scalar that YAML reads as this text, or a list of them. */
function yaml(text: string, isList: boolean): string {
  if (isList)
    return `[${text
      .split(',')
      .map((part) => yaml(part, false))
      .join(', ')}]`;
  return /^[\w./][\w./:-]*$/.test(text) && !/: |^(true|false|null|yes|no|on|off|~)$/i.test(text) ? text : JSON.stringify(text);
}

function comment(text: string): string {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
