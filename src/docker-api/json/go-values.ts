/** Values in requests, read as the Engine's Go code reads them, with its error texts. */
import { ArpanetError } from '../../model/index.ts';
import { parseDurationMs } from '../../text/duration.ts';

/** An error that the Engine answers with 500 although the request is at fault; clients see the same status from us. */
export function engineError(message: string, engineStatus = 500): ArpanetError {
  return new ArpanetError('engine', message, { engineStatus });
}

/** A number that Go reads into an int64 too; anything else counts as 0. */
export const wholeNumber = (value: unknown): number => (Number.isSafeInteger(value) ? Number(value) : 0);

/** `httputils.BoolValue`. */
export function boolValue(value: string | null): boolean {
  const word = (value ?? '').trim().toLowerCase();
  return !(word === '' || word === '0' || word === 'no' || word === 'false' || word === 'none');
}

/** `strconv.ParseBool`; absent is false. Throws `invalid`: `invalid value for status: maybe: strconv.ParseBool: …`. */
export function strictBool(query: URLSearchParams, name: string): boolean {
  const value = query.get(name) ?? '';
  if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:|0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new ArpanetError('invalid', `invalid value for ${name}: ${value}: ${strconvError('ParseBool', value)}`);
}

/** `timetypes.ParseTimestamps`: Unix seconds, with a fraction or without, in milliseconds. Undefined: it is no such time. */
export function unixTimeMs(text: string): number | undefined {
  const [, seconds] = /^([+-]?\d+)(?:\.\d*)?$/.exec(text) ?? [];
  return seconds === undefined || atoi(seconds) === undefined ? undefined : Number(text) * 1_000;
}

const NUMBERS = { Atoi: /^[+-]?\d+$/, ParseInt: /^[+-]?\d+$/, ParseUint: /^\d+$/, ParseBool: undefined } as const;

/** What this function of Go's strconv says of a text that it cannot read. */
export function strconvError(reader: keyof typeof NUMBERS, text: string): string {
  const why = NUMBERS[reader]?.test(text) === true ? 'value out of range' : 'invalid syntax';
  return `strconv.${reader}: parsing ${JSON.stringify(text)}: ${why}`;
}

/** `strconv.Atoi`; undefined when it is no integer of 64 bits. */
export function atoi(value: string): number | undefined {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN;
  return Math.abs(number) < 2 ** 63 ? number : undefined;
}

/** The query's `version`, an integer of 64 bits without sign. Throws `invalid`: `invalid service version 'x': strconv.ParseUint: …`. */
export function objectVersion(query: URLSearchParams, kind: string): number {
  const text = query.get('version') ?? '';
  if (/^\d+$/.test(text) && Number(text) < 2 ** 64) return Number(text);
  throw new ArpanetError('invalid', `invalid ${kind} version '${text}': ${strconvError('ParseUint', text)}`);
}

/** `timetypes.GetTimestamp`: a duration before now, a date, or Unix seconds. Zoneless times are UTC. */
export function parseTimestampMs(value: string, nowMs: number): number {
  const duration = parseDurationMs(value);
  if (duration !== undefined && value !== '0') return nowMs - duration;
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value) * 1_000;
  const date = /^(\d{4}-\d\d-\d\d)(T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(value);
  const time = date?.[2] === undefined ? 'T00:00:00' : date[2].length === 3 ? `${date[2]}:00` : date[2];
  const parsed = date === null ? Number.NaN : Date.parse(`${date[1]}${time}${date[3] ?? 'Z'}`);
  if (Number.isNaN(parsed)) throw engineError(`failed to parse value as time or duration: ${JSON.stringify(value)}`);
  return parsed;
}

/** Go's `path.Match` as a regular expression: `*`, `?` and `[…]` stop at a slash. */
export function pathPattern(pattern: string): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern.charAt(i);
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const end = pattern.indexOf(']', i + 2);
      if (end < 0) throw engineError('syntax error in pattern');
      source += `(?!/)[${pattern.slice(i + 1, end).replace(/\[/g, '\\[')}]`;
      i = end;
    } else {
      if (char === '\\') i++;
      if (i === pattern.length) throw engineError('syntax error in pattern');
      source += pattern.charAt(i).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    }
  }
  try {
    return new RegExp(`^${source}$`);
  } catch {
    throw engineError('syntax error in pattern');
  }
}

/** A sort key for Docker's RFC 3339 times in UTC, whose fractions have as many digits as they need. */
export function timeKey(time: string): string {
  return `${time.slice(0, 19)}.${time.slice(20).replace(/\D.*$/, '').padEnd(9, '0')}`;
}
