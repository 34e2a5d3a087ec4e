/**
 * The settings of commands that ask a cluster, without YAML and schemas: to load those takes as long as all else that such a command does.
 * Pure.
 */
import { combined, type Sources } from './layers.ts';
import type { Command } from './options.ts';

export const CLIENT_COMMANDS = ['token', 'hosts', 'status', 'audit'] as const satisfies readonly Command[];
export type ClientCommand = (typeof CLIENT_COMMANDS)[number];
/** Whether its settings are these few. */
export const isClientCommand = (command: Command): command is ClientCommand => CLIENT_COMMANDS.some((one) => one === command);

/** The last two are of `arpanet audit`. */
export interface ClientConfig {
  readonly endpoint?: string;
  readonly context?: string;
  readonly json: boolean;
  readonly fix?: boolean;
  readonly discard?: string;
}

/** Of a command whose settings are in no file. Throws `invalid` as loadConfig does. */
export function clientConfig(command: ClientCommand, { flags, env }: Pick<Sources, 'flags' | 'env'>): ClientConfig {
  const none = (path: string): never => {
    throw new Error(`the settings of ${command} were to be read without the file ${path}`);
  };
  return combined(command, { flags, env, readFile: none }, { fileOf: none, check: clientValues });
}

/** By name: what is read. */
export const CLIENT_SETTINGS: Readonly<Record<keyof ClientConfig, 'flag' | 'text'>> = {
  endpoint: 'text',
  context: 'text',
  json: 'flag',
  fix: 'flag',
  discard: 'text',
};
const FLAGS: ReadonlySet<string> = new Set(Object.entries(CLIENT_SETTINGS).flatMap(([name, kind]) => (kind === 'flag' ? [name] : [])));

/** What a flag and a text are in a file or a variable: `flag` and `text` of values.ts. */
export function clientValues(given: Readonly<Record<string, unknown>>) {
  const values: Record<string, unknown> = { json: false };
  const issues: { readonly path: readonly string[]; readonly message: string }[] = [];
  for (const [name, value] of Object.entries(given)) {
    const read = FLAGS.has(name) ? flagOf(value) : textOf(value);
    if (read !== undefined) values[name] = read;
    else
      issues.push({ path: [name], message: `"${String(value)}" is not ${FLAGS.has(name) ? 'true or false' : 'a text that is not empty'}` });
  }
  if (issues.length > 0) return { success: false as const, error: { issues } };
  return { success: true as const, data: values as unknown as ClientConfig };
}

function flagOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = String(value).trim();
  return /^(true|1|yes)$/i.test(text) ? true : /^(false|0|no|)$/i.test(text) ? false : undefined;
}

function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return text === '' ? undefined : text;
}
