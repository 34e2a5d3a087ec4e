/** `arpanet top`: hosts and their busiest containers, again and again. Effects: HTTP requests, the terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { ArpanetError } from '../../../model/index.ts';
import { type TopReport, topText } from '../../../operator-api/index.ts';
import { type AskingFlags, askingCommand, endpointOf, type Terminal } from '../../api-client.ts';

interface TopFlags extends AskingFlags {
  readonly once?: boolean;
  readonly interval: string;
  readonly rows?: string;
}

/** The other screen without a cursor, and back. */
const [ENTER, LEAVE, HOME, REST] = ['\x1b[?1049h\x1b[?25l', '\x1b[?25h\x1b[?1049l', '\x1b[H', '\x1b[J'];
const DEFAULT_ROWS = 15;
/** Lines that are not containers, beside one for each host. */
const OTHER_LINES = 6;

export function addTopCommand(root: Command, { env, out, isTerminal }: Terminal): void {
  askingCommand(root, 'top', 'hosts and their busiest containers, live; over a pipe one picture after the other, without control codes', [
    'arpanet top',
    'arpanet top --once | head',
    'arpanet top --json --interval 10   # a line of JSON each time',
  ])
    .option('--once', 'one picture, then the end')
    .option('--interval <SECONDS>', 'between two pictures', '2')
    .option('-n, --rows <N>', 'so many containers (default: what fits; over a pipe 15)')
    .action(async (flags: TopFlags) => {
      const everyMs = positive('--interval', flags.interval) * 1_000;
      const rows = flags.rows === undefined ? undefined : Math.floor(positive('--rows', flags.rows));
      const endpoint = endpointOf(flags, env);
      const look = () => endpoint.json<TopReport>('/arpanet/v1/top');
      if (flags.json === true || flags.once === true || !isTerminal) {
        for (;;) {
          const report = await look();
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
          const report = await look();
          const { rows: height, columns } = process.stdout;
          const fits = Math.max(1, height - OTHER_LINES - report.hosts.length - 1);
          const lines = topText(report, rows ?? fits)
            .split('\n')
            .slice(0, height - 1);
          // Each line's own rest goes, and then the screen's: nothing flickers.
          out(`${HOME}${lines.map((line) => `${line.slice(0, columns)}\x1b[K`).join('\n')}${REST}`);
          await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
        }
      } finally {
        out(LEAVE);
      }
    });
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new ArpanetError('invalid', `${flag} is "${text}": it is a number above 0`);
}
