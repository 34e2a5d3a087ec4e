/** What commands that list something share: their flags, --format, --quiet, --json and --watch. Effects: the terminal, a timer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { isKind } from '../model/errors.ts';
import type { Answer, Client, Given, How, Page } from '../client/index.ts';
import type { ApiClient } from './api-client.ts';
import { addClientCommand, type ClientFlags, type Terminal } from './command.ts';
import { formatted } from './output/format.ts';
import { BLANK, frame } from './output/screen.ts';

export interface ListFlags extends ClientFlags {
  readonly format?: string;
  readonly quiet?: boolean;
  readonly watch?: boolean;
}

/** Of a list that the cluster answers in pages. */
export interface PageFlags {
  readonly limit?: string;
  readonly continue?: string;
}

/** How an answer of the cluster is shown as a list. */
export interface Listing<T, R extends object> {
  /** As a table, no wider than so many characters where that is given. */
  readonly text: (answer: T, width: number | undefined) => string;
  readonly rows: (answer: T) => readonly R[];
  /** What --quiet prints of a row: what other commands take. */
  readonly key: (row: R) => string;
}

const WATCH_MS = 2_000;

/** The flags of every list, with docker's names. */
export function withListFlags(command: Command): Command {
  return command
    .option('--format <TEMPLATE>', "a Go template for each row, as docker's: '{{.Name}}', 'table {{.Name}}\\t{{.Host}}', or json")
    .option('-q, --quiet', 'only names, one per line')
    .option('-w, --watch', 'print it again whenever it changes, until Ctrl-C');
}

/** The flags of a list that may have thousands of rows. */
export function withPageFlags(command: Command): Command {
  return withListFlags(command)
    .option('--limit <N>', 'at most so many (1 to 1000); how to go on is said at the end')
    .option('--continue <TOKEN>', 'go on where another page ended');
}

/** A route that answers a list. */
export type ListName = Parameters<Client['page']>[0];

/** Reads a list, or a page of it; where there is more, says how to go on. */
export function pageReader(
  { v1 }: Pick<ApiClient, 'v1'>,
  flags: PageFlags,
  { say }: Pick<Terminal, 'say'>,
): <Name extends ListName>(name: Name, given: Given<Name>, how?: How) => Promise<Answer<Name>> {
  let said: string | undefined;
  return async <Name extends ListName>(name: Name, given: Given<Name>, how?: How) => {
    // that nothing else need be given is not known of a name that is a parameter
    const page = v1.page as (name: Name, given: Given<Name>, how?: How) => Promise<Page<Answer<Name>>>;
    const { rows, next } = await page(name, { ...given, limit: flags.limit, continue: flags.continue }, how);
    // with --watch once, as long as it is the same
    if (next !== undefined && next !== said) say(`there is more: add --continue ${next}`);
    said = next;
    return rows;
  };
}

export function addListCommand(parent: Command, words: string, summary: string, examples: readonly string[]): Command {
  return withListFlags(addClientCommand(parent, words, summary, examples));
}

/** With `--watch` it ends by a signal only. Throws `invalid` for a template that cannot be filled in. */
export async function showList<T, R extends object>(
  fetch: () => Promise<T>,
  listing: Listing<T, R>,
  flags: ListFlags,
  terminal: Terminal,
): Promise<void> {
  const { out, columns } = terminal;
  const look = async (): Promise<string> => {
    const answer = await fetch();
    if (flags.quiet === true) return listing.rows(answer).map(listing.key).join('\n');
    if (flags.format !== undefined) return formatted(flags.format, listing.rows(answer));
    // A table in a file or a pipe is cut nowhere.
    return flags.json === true ? JSON.stringify(answer, undefined, 2) : listing.text(answer, columns);
  };
  const first = await look();
  if (flags.watch !== true) return out(first === '' ? '' : `${first}\n`);
  await watched(look, first, flags.json === true, terminal);
}

/** Prints `first`, and again whenever `look` has another text; ends by a signal only. Lines of JSON go one after the other, anything else fills a terminal. */
export async function watched(look: () => Promise<string>, first: string, isJson: boolean, { out, say, columns }: Terminal): Promise<void> {
  const isScreen = columns !== undefined && !isJson;
  const show = (text: string): void => out(isScreen ? frame([...text.split('\n'), '']) : `${text}\n`);
  if (isScreen) out(BLANK);
  show(first);
  for (let [last, isLost] = [first, false]; ; ) {
    await sleep(WATCH_MS);
    try {
      const text = await look();
      if (text !== last) show(text);
      [last, isLost] = [text, false];
    } catch (error) {
      if (!isKind(error, 'unavailable', 'timeout')) throw error;
      if (!isLost) say('the cluster cannot be reached; retrying');
      isLost = true;
    }
  }
}
