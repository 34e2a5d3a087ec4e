/**
 * What Go's encoding/json says of a text that is no JSON: clients and their tests read these words. Pure.
 * https://github.com/golang/go/blob/go1.22.0/src/encoding/json/scanner.go
 */

/** Undefined: the text begins with a whole JSON value. What follows that is not looked at, as by Go's Decoder. */
export function goJsonError(text: string): string | undefined {
  try {
    value(text, 0);
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

class Refused extends Error {}

const SPACE = /[ \t\r\n]*/y;
const DIGIT = /[0-9]/;
const HEX = /[0-9a-fA-F]/;

/** Each of these takes a position and gives the one behind what it has read. */
function value(text: string, from: number): number {
  const at = space(text, from);
  const char = text[at];
  if (char === '{') return list(text, at, '}', member, 'after object key:value pair');
  if (char === '[') return list(text, at, ']', value, 'after array element');
  if (char === '"') return string(text, at);
  if (char === 't' || char === 'f' || char === 'n') return literal(text, at, { t: 'true', f: 'false', n: 'null' }[char]);
  if (char === '-' || (char !== undefined && DIGIT.test(char))) return number(text, at);
  throw refused(text, at, 'looking for beginning of value');
}

function list(text: string, open: number, close: string, item: (text: string, at: number) => number, after: string): number {
  let at = space(text, open + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = space(text, item(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ',') throw refused(text, at, after);
    at = space(text, at + 1);
  }
}

function member(text: string, from: number): number {
  if (text[from] !== '"') throw refused(text, from, 'looking for beginning of object key string');
  const at = space(text, string(text, from));
  if (text[at] !== ':') throw refused(text, at, 'after object key');
  return value(text, at + 1);
}

function string(text: string, quote: number): number {
  let at = quote + 1;
  while (text[at] !== '"') {
    if (text[at] === '\\') {
      at++;
      if (text[at] === 'u') {
        for (const end = at + 4; at < end; )
          if (!HEX.test(text[++at] ?? '')) throw refused(text, at, 'in \\u hexadecimal character escape');
      } else if (!'bfnrt\\/"'.includes(text[at] ?? '-')) throw refused(text, at, 'in string escape code');
    } else if ((text[at] ?? '') < ' ') throw refused(text, at, 'in string literal');
    at++;
  }
  return at + 1;
}

function literal(text: string, from: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (text[from + i] !== word[i]) throw refused(text, from + i, `in literal ${word} (expecting ${quoted(word[i] ?? '')})`);
  }
  return from + word.length;
}

function number(text: string, from: number): number {
  let at = text[from] === '-' ? from + 1 : from;
  const digits = (what: string): void => {
    if (!DIGIT.test(text[at] ?? '')) throw refused(text, at, what);
    while (DIGIT.test(text[at] ?? '')) at++;
  };
  if (text[at] === '0') at++;
  else digits('in numeric literal');
  if (text[at] === '.') {
    at++;
    digits('after decimal point in numeric literal');
  }
  if (text[at] === 'e' || text[at] === 'E') {
    at += text[at + 1] === '+' || text[at + 1] === '-' ? 2 : 1;
    digits('in exponent of numeric literal');
  }
  return at;
}

function space(text: string, from: number): number {
  SPACE.lastIndex = from;
  return from + (SPACE.exec(text)?.[0].length ?? 0);
}

function refused(text: string, at: number, where: string): Refused {
  const char = text[at];
  return new Refused(char === undefined ? 'unexpected EOF' : `invalid character ${quoted(char)} ${where}`);
}

/** As Go's quoteChar: strconv.Quote between single quotes. */
function quoted(char: string): string {
  if (char === "'") return String.raw`'\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}
