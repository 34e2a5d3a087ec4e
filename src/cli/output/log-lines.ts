/** The logs of many containers as one stream of lines. Pure: bytes and texts in, lines out. */
import type { Buffer } from 'node:buffer';

/** An Engine's multiplexed log stream cut into its frames' payloads, whatever the pieces it came in. */
export function unframe(rest: Buffer): { readonly payloads: readonly Buffer[]; readonly rest: Buffer } {
  const payloads: Buffer[] = [];
  let from = 0;
  while (rest.length - from >= 8) {
    const end = from + 8 + rest.readUInt32BE(from + 4);
    if (end > rest.length) break;
    payloads.push(rest.subarray(from + 8, end));
    from = end;
  }
  return { payloads, rest: rest.subarray(from) };
}

export interface LogLine {
  /** RFC 3339 with nanoseconds, as the Engine wrote it: sorts as text. */
  readonly at: string;
  readonly text: string;
}

/** A line asked for with `timestamps=1`. */
export function logLine(line: string): LogLine {
  const end = line.indexOf(' ');
  const at = end === -1 ? line : line.slice(0, end);
  return /^\d{4}-\d\d-\d\dT/.test(at) ? { at, text: end === -1 ? '' : line.slice(end + 1).replace(/\r$/, '') } : { at: '', text: line };
}

/** For `since`, which takes seconds with nanoseconds. */
export function sinceOf(at: string): string {
  const nanos = (/\.(\d+)/.exec(at)?.[1] ?? '').padEnd(9, '0');
  return `${Math.floor(Date.parse(at) / 1000)}.${nanos}`;
}

const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/** `web-1 h2 | text`; the part before the bar in a colour of its own on a terminal. */
export function prefixed(who: string, width: number, text: string, isTerminal: boolean): string {
  const before = `${who.padEnd(width)} | `;
  if (!isTerminal) return before + text;
  const [name = ''] = who.split(' ');
  const hash = Array.from(name).reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003, 7);
  return `\u001B[${COLOURS[hash % COLOURS.length]}m${before}\u001B[0m${text}`;
}
