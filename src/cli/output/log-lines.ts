/** The logs of many containers as one stream of lines. Pure. */

export interface TimedLine {
  /** RFC 3339 with nanoseconds, as the Engine wrote it: sorts as text. */
  readonly at: string;
  readonly text: string;
}

/** A line asked for with `timestamps=1`. */
export function timedLine(line: string): TimedLine {
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
