/**
 * What Go's encoding/json says of a text that is no JSON: clients and their tests read these words. Pure, and without recursion: a text may
 * be nested as deep as its client likes.
 * https://github.com/golang/go/blob/go1.22.0/src/encoding/json/scanner.go
 */

/** `maxNestingDepth` of Go's scanner. */
export const GO_MAX_DEPTH = 10_000;

export interface Scanned {
  /** In Go's words; undefined: the text begins with a whole JSON value. */
  readonly error: string | undefined;
  /** Index behind that value. */
  readonly end: number;
}

/** Reads the first JSON value of a text. What follows it is not looked at, as by Go's Decoder. */
export function scanJson(text: string): Scanned {
  try {
    return { error: undefined, end: scan(text) };
  } catch (error) {
    if (error instanceof Refused) return { error: error.message, end: 0 };
    throw error;
  }
}

class Refused extends Error {}

const SPACE = /[ \t\r\n]*/y;
// a run of characters that a string has unescaped: all but control characters, quotes and backslashes
const PLAIN = /[ !#-[\]-\u{10FFFF}]*/uy;
const DIGIT = /[0-9]/;
const HEX = /[0-9a-fA-F]/;

function scan(text: string): number {
  /** The ends of the lists that are open. */
  const open: ('}' | ']')[] = [];
  let at = 0;
  for (;;) {
    at = space(text, at);
    const char = text[at];
    if (char === '{' || char === '[') {
      if (open.length === GO_MAX_DEPTH) throw refused(text, at, 'exceeded max depth');
      const close = char === '{' ? '}' : ']';
      at = space(text, at + 1);
      if (text[at] !== close) {
        open.push(close);
        if (close === '}') at = key(text, at);
        continue;
      }
      at++;
    } else at = scalar(text, at);
    // behind a value: ends of lists, then the next element or the end
    for (;;) {
      const close = open.at(-1);
      if (close === undefined) return at;
      at = space(text, at);
      if (text[at] === close) {
        open.pop();
        at++;
        continue;
      }
      if (text[at] !== ',') throw refused(text, at, close === '}' ? 'after object key:value pair' : 'after array element');
      at++;
      if (close === '}') at = key(text, space(text, at));
      break;
    }
  }
}

/** Each of these takes a position and gives the one behind what it has read. */
function key(text: string, from: number): number {
  if (text[from] !== '"') throw refused(text, from, 'looking for beginning of object key string');
  const at = space(text, string(text, from));
  if (text[at] !== ':') throw refused(text, at, 'after object key');
  return at + 1;
}

function scalar(text: string, at: number): number {
  const char = text[at];
  if (char === '"') return string(text, at);
  if (char === 't' || char === 'f' || char === 'n') return literal(text, at, { t: 'true', f: 'false', n: 'null' }[char]);
  if (char === '-' || (char !== undefined && DIGIT.test(char))) return number(text, at);
  throw refused(text, at, 'looking for beginning of value');
}

function string(text: string, quote: number): number {
  let at = plain(text, quote + 1);
  while (text[at] !== '"') {
    if (text[at] === '\\') {
      at++;
      if (text[at] === 'u') {
        for (const end = at + 4; at < end; )
          if (!HEX.test(text[++at] ?? '')) throw refused(text, at, 'in \\u hexadecimal character escape');
      } else if (!'bfnrt\\/"'.includes(text[at] ?? '-')) throw refused(text, at, 'in string escape code');
    } else throw refused(text, at, 'in string literal');
    at = plain(text, at + 1);
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

const behind = (pattern: RegExp, text: string, from: number): number => {
  pattern.lastIndex = from;
  return from + (pattern.exec(text)?.[0].length ?? 0);
};
const space = (text: string, from: number): number => behind(SPACE, text, from);
const plain = (text: string, from: number): number => behind(PLAIN, text, from);

function refused(text: string, at: number, where: string): Refused {
  const point = text.codePointAt(at);
  if (point === undefined) return new Refused('unexpected EOF');
  // Go looks at bytes, and names the first of a character's
  const byte = Buffer.from(String.fromCodePoint(point)).toString('latin1').charAt(0);
  return new Refused(`invalid character ${quoted(byte)} ${where}`);
}

/** As Go's quoteChar: strconv.Quote between single quotes. */
function quoted(char: string): string {
  if (char === "'") return String.raw`'\''`;
  if (char === '"') return `'"'`;
  const hex = char.charCodeAt(0).toString(16).padStart(2, '0');
  if (char < ' ' || char === '\x7F') return `'${SHORT[char] ?? `\\x${hex}`}'`;
  if (/[\x80-\xA0\xAD]/.test(char)) return `'\\u00${hex}'`;
  return char === '\\' ? String.raw`'\\'` : `'${char}'`;
}

const SHORT: Readonly<Record<string, string>> = {
  '\x07': String.raw`\a`,
  '\b': String.raw`\b`,
  '\t': String.raw`\t`,
  '\n': String.raw`\n`,
  '\v': String.raw`\v`,
  '\f': String.raw`\f`,
  '\r': String.raw`\r`,
};
