/** The settings of any command, with all that it may take to read them: YAML and schemas. */
import { YAMLParseError, parse as parseYaml } from 'yaml';
import { ArpanetError } from '../model/errors.ts';
import { clientValues, isClientCommand } from './client.ts';
import { combined, type Sources } from './layers.ts';
import type { Command } from './options.ts';
import { type ConfigOf, schemas } from './schemas.ts';

/** Throws `invalid` with the flag, variable or key, what is wrong with it, and for an unknown one the nearest known. */
export function loadConfig<C extends Command>(command: C, sources: Sources): ConfigOf<C> {
  const named: Command = command;
  const check = isClientCommand(named) ? clientValues : (given: unknown) => schemas[named].safeParse(given);
  // A test checks that the table of options and the schemas agree; the compiler cannot follow a schema chosen by name.
  return combined<unknown>(command, sources, { fileOf, check }) as ConfigOf<C>;
}

function fileOf(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (cause) {
    const line = cause instanceof YAMLParseError ? cause.linePos?.[0].line : undefined;
    throw new ArpanetError('invalid', `${path} is not YAML${line === undefined ? '' : `, at line ${line}`}`, { cause });
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new ArpanetError('invalid', `${path} must be lines of KEY: VALUE`);
  return Object.fromEntries(Object.entries(value).map(([key, entry]: [string, unknown]) => [key, entry ?? undefined]));
}
