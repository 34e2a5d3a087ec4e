/** `arpanet top`: hosts and their busiest containers, again and again. Effects: HTTP requests, the terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArpanetError } from '../../../model/errors.ts';
import { clientCall, type ClientFlags, type Terminal } from '../../command.ts';
import { ENTER, frame, LEAVE } from '../../output/screen.ts';
import { topText } from '../../output/top.ts';

export interface TopFlags extends ClientFlags {
  readonly once?: boolean;
  readonly interval: string;
  readonly rows?: string;
}

/** Containers shown where there is no terminal height to fill. */
const DEFAULT_ROWS = 15;
/** Lines of a screen that are neither a host nor a container. */
const OTHER_LINES = 6;
/** The cluster gives no more at once. */
const MOST_ROWS = 1_000;

/** Throws `invalid` for an interval or a row count that is not above 0. */
export async function top(flags: TopFlags, terminal: Terminal): Promise<void> {
  const { out, isTerminal } = terminal;
  const everyMs = positive('--interval', flags.interval) * 1_000;
  const rows = flags.rows === undefined ? undefined : Math.floor(positive('--rows', flags.rows));
  const { api } = clientCall(flags, terminal);
  const look = (most: number) => api.v1.call('getTop', { limit: Math.min(most, MOST_ROWS) });
  if (flags.json === true || flags.once === true || !isTerminal) {
    for (;;) {
      const report = await (flags.json === true ? api.v1.call('getTop') : look(rows ?? DEFAULT_ROWS));
      out(flags.json === true ? `${JSON.stringify(report)}\n` : `${topText(report, rows ?? DEFAULT_ROWS)}\n`);
      if (flags.once === true) return;
      await sleep(everyMs);
      if (flags.json !== true) out('\n');
    }
  }
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());
  out(ENTER);
  try {
    while (!ended.signal.aborted) {
      // a terminal that does not know its size has 0 of each
      const [height, columns] = [process.stdout.rows || 24, process.stdout.columns || 80];
      const report = await look(rows ?? height);
      // Hosts have half of the screen at most.
      const hosts = Math.min(report.hosts.length, Math.max(1, Math.floor((height - OTHER_LINES) / 2)));
      const fits = Math.max(1, height - OTHER_LINES - hosts - 1);
      const lines = topText(report, rows ?? fits, hosts)
        .split('\n')
        .slice(0, height - 1);
      out(frame(lines.map((line) => line.slice(0, columns))));
      await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  } finally {
    out(LEAVE);
  }
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new ArpanetError('invalid', `${flag} is "${text}": it is a number above 0`);
}
