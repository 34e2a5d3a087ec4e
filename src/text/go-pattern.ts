/** Regular expressions as Go writes them: filters of lists (moby `api/types/filters`) and constraints of classic Swarm hold them. */

const LONGEST = 256;

/**
 * Go's syntax where JavaScript's differs: leading flags, `\A`, `\z`, `(?P<`, `[[:alpha:]]`. Undefined: over 256 characters, or Go would not compile it
 * (look-around and back-references, without which V8 can match in linear time: the leader's process turns that on).
 */
export function goPattern(source: string): RegExp | undefined {
  if (source.length > LONGEST || /\(\?(=|!|<=|<!)|\\[1-9]|\\k</.test(source)) return undefined;
  const flags = /^\(\?([ims]+)\)/.exec(source);
  const body = source
    .slice(flags?.[0].length ?? 0)
    .replace(/\(\?P</g, '(?<')
    .replace(/\\A/g, '^')
    .replace(/\\z/g, '$')
    .replace(/\[:(\w+):\]/g, (all, name: string) => posixClasses[name] ?? all);
  try {
    return new RegExp(body, flags?.[1] ?? '');
  } catch {
    return undefined;
  }
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  word: '\\w',
  space: '\\s',
  xdigit: '0-9A-Fa-f',
};
