/** `arpanet events`. Effects: an HTTP request, the terminal, the clock. */
import type { EngineEvent } from '../../../model/index.ts';
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { eventText } from '../../output/events.ts';
import { secondsOf } from '../../times.ts';

export interface EventFlags extends ClientFlags {
  readonly filter?: readonly string[];
  readonly since?: string;
  readonly until?: string;
}

/** With `--json` one event per line. Throws `invalid` for a filter or time that cannot be read. */
export async function showEvents(flags: EventFlags, terminal: Terminal): Promise<void> {
  const query = new URLSearchParams();
  const filters: Record<string, string[]> = {};
  for (const filter of flags.filter ?? []) {
    const [, key, value] = /^([^=]+)=(.+)$/.exec(filter) ?? [];
    if (key === undefined || value === undefined)
      throw new ArpanetError('invalid', `--filter is "${filter}": write KEY=VALUE, as type=container`);
    (filters[key] ??= []).push(value);
  }
  if (flags.filter !== undefined) query.set('filters', JSON.stringify(filters));
  if (flags.since !== undefined) query.set('since', secondsOf('--since', flags.since, Date.now()));
  if (flags.until !== undefined) query.set('until', secondsOf('--until', flags.until, Date.now()));
  const feed = clientCall(flags, terminal).api.feed<EngineEvent>(`/events?${query.toString()}`, new AbortController().signal);
  for await (const event of feed) await terminal.paced(`${flags.json === true ? JSON.stringify(event) : eventText(event)}\n`);
}
