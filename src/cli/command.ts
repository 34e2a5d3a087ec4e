/** How a command is declared: its words, flags, help and examples. What it does is loaded when it runs. */
import type { Command } from 'commander';
import { apiClient, type ApiClient, type EndpointFlags, type Environment } from './api-client.ts';

/** Where a command writes, and what it reads beside its flags. */
export interface Terminal {
  readonly env: Environment;
  /** Standard output: results, as text or JSON. */
  readonly out: (text: string) => void;
  /** The same for streams: resolves once the reader has room for more; with false when nobody reads any more. */
  readonly paced: (text: string) => Promise<boolean>;
  /** One line for the person, on standard error: progress, hints, warnings. */
  readonly say: (line: string) => void;
  /** Standard output is a terminal: colours and redrawing may be used. */
  readonly isTerminal: boolean;
  /** Characters in a line of the terminal; undefined where standard output is none. */
  readonly columns: number | undefined;
}

/** The flags that every command has that asks a cluster. */
export interface ClientFlags extends EndpointFlags {
  readonly json?: boolean;
}

/** A command with its examples in the help. `words` as commander takes them: `drain <host>`. */
export function addCommand(parent: Command, words: string, summary: string, examples: readonly string[]): Command {
  return parent
    .command(words)
    .description(summary)
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`)
    .exitOverride();
}

/** A command that asks a cluster: with `--endpoint` and `--json`. */
export function addClientCommand(parent: Command, words: string, summary: string, examples: readonly string[]): Command {
  return addCommand(parent, words, summary, examples)
    .option(
      '--endpoint <ADDRESS>',
      'tcp://HOST:PORT or unix:///PATH of any scheduler (env ARPANET_ENDPOINT, else as docker: DOCKER_HOST, contexts)',
    )
    .option('--context <NAME>', "one of docker's contexts (env DOCKER_CONTEXT)")
    .option('--json', 'print JSON');
}

/** Collects the values of a flag that may be given several times. */
export const several = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

/** What every command that asks a cluster does with its flags. */
export interface ClientCall {
  readonly api: ApiClient;
  /** With `--json` the value as indented JSON, else its text; `width`: characters of a line of the terminal. */
  readonly show: <T>(value: T, text: (value: T, width: number | undefined) => string) => void;
}

/** Throws `invalid` for an endpoint that is no TCP address. */
export function clientCall(flags: ClientFlags, { env, out, columns }: Pick<Terminal, 'env' | 'out' | 'columns'>): ClientCall {
  return {
    api: apiClient(flags, env),
    show: (value, text) => out(`${flags.json === true ? JSON.stringify(value, undefined, 2) : text(value, columns)}\n`),
  };
}
