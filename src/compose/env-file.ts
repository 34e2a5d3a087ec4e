/** Env files, as `docker compose` reads them. Pure. */
import { ArpanetError } from '../model/index.ts';
import { interpolate, type Variables } from './interpolate.ts';

const NAME = /^(?:export\s+)?([\p{L}\p{N}_.[\]-]+)[^\S\n]*(?:[=:][^\S\n]*|(\n|$))/u;
const QUOTED = /^(["'])((?:\\[\s\S]|(?!\1)[^\\])*)\1/;
const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', $: '$$', '\\': '\\' };

/**
 * `NAME=VALUE` or `NAME: VALUE`, one a line, `export` before it or not. ` #` begins a comment. In double quotes escapes count; there, and without quotes,
 * variables are replaced: by those of `variables`, else by what the file has above. A name alone takes its value from `variables`, and is left out
 * if it has none there. Throws `invalid` with the line.
 * Source: compose-go, dotenv/parser.go and dotenv/godotenv.go.
 */
export function envFileOf(text: string, variables: Variables = {}): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const whole = text.replaceAll('\r\n', '\n');
  const expanded = (value: string): string => interpolate(value, { ...found, ...variables }, () => undefined);
  for (let rest = afterBlank(whole); rest !== ''; rest = afterBlank(rest)) {
    const line = whole.slice(0, whole.length - rest.length).split('\n').length;
    const [head = '', name = '', isAlone] = NAME.exec(rest) ?? [];
    if (name === '') throw new ArpanetError('invalid', `line ${line} of an env file is not NAME=VALUE: ${firstLine(rest)}`);
    rest = rest.slice(head.length);
    if (isAlone !== undefined) {
      const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (given !== undefined) found[name] = given;
    } else if (/^["']/.test(rest)) {
      const [quoted, mark, inner = ''] = QUOTED.exec(rest) ?? [];
      if (quoted === undefined)
        throw new ArpanetError('invalid', `line ${line} of an env file has a quote that is never closed: ${firstLine(rest)}`);
      found[name] = mark === '"' ? expanded(unescaped(inner)) : inner.replaceAll("\\'", "'");
      rest = rest.slice(quoted.length);
    } else {
      const value = firstLine(rest);
      rest = rest.slice(value.length);
      found[name] = expanded((value.split(' #')[0] ?? '').trimEnd());
    }
  }
  return found;
}

const firstLine = (text: string): string => /^.*/.exec(text)?.[0] ?? '';

/** From the next statement on. */
const afterBlank = (text: string): string => text.replace(/^(?:\s+|#.*)+/, '');

/** Source: Go, strconv.UnquoteChar, for the escapes of a shell; others stay as they are. */
const unescaped = (text: string): string =>
  text
    .replaceAll('\\"', '"')
    .replaceAll(/\\(?:0([0-7]{3})|([abfnrtv$\\]))/g, (_, octal: string | undefined, letter = '') =>
      octal === undefined ? (ESCAPES[String(letter)] ?? '') : String.fromCodePoint(Number.parseInt(octal, 8)),
    );
