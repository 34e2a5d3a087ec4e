/** JSON text that somebody else wrote. Pure. */
import { goDecode, GoJsonError, type GoType } from '../docker-json/index.ts';
import { ArpanetError } from '../model/errors.ts';

/** Deepest nesting accepted. Docker's own objects have about 10 levels; JSON.stringify of some thousands overflows the stack. */
const MAX_DEPTH = 100;

/** Text that may hold a key `__proto__`, plainly or with escaped letters. Go's encoder escapes no letters. */
const SUSPECT_KEY = /__proto__|\\u00(?:5f|[46][0-9a-f]|[57][0-9a])/i;

/** The value. Keys `__proto__` are dropped. Throws `invalid` if it is no JSON, or nested deeper than 100 levels. */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) throw new ArpanetError('invalid', `JSON is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return SUSPECT_KEY.test(text) ? JSON.parse(text, dropProto) : JSON.parse(text);
  } catch (cause) {
    throw new ArpanetError('invalid', `not JSON: ${JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)}`, { cause });
  }
}

/**
 * The one object of a request's body, as Go reads it into this struct (docker-json). Throws `invalid` in an Engine's words (moby api/server/httputils, ReadJSON).
 * `saysOnce`: also for an object that has a key twice, of which Go takes the last.
 */
export function parseGoJson(text: string, type: GoType, saysOnce = false): Readonly<Record<string, unknown>> {
  try {
    const { value, hasMore, repeated } = goDecode(text, type);
    if (saysOnce && repeated !== undefined)
      throw new ArpanetError('invalid', `the key ${JSON.stringify(repeated)} is given twice: leave one of them out`);
    if (hasMore) throw new ArpanetError('invalid', 'unexpected content after JSON');
    return value;
  } catch (cause) {
    if (cause instanceof GoJsonError) throw new ArpanetError('invalid', `invalid JSON: ${cause.message}`, { cause });
    throw cause;
  }
}

const dropProto = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

const QUOTE = 34;
const BACKSLASH = 92;

function isTooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === 123 || code === 91) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (code === 125 || code === 93) depth -= 1;
  }
  return false;
}

/** Position of the quote that ends the string begun at `from`; the end of the text without one. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}
