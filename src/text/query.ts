/** A URL's query as Go's net/url reads it: what it refuses, and in which words. Pure. */

/**
 * `search` begins with its `?`, or is empty. Undefined: it can be read; else `invalid URL escape "%zz"` or the like.
 * https://github.com/golang/go/blob/go1.22.0/src/net/url/url.go (ParseQuery)
 */
export function queryProblem(search: string): string | undefined {
  for (const part of search.slice(1).split('&')) {
    if (part.includes(';')) return 'invalid semicolon separator in query';
    const cut = part.indexOf('=');
    for (const text of cut < 0 ? [part] : [part.slice(0, cut), part.slice(cut + 1)]) {
      const wrong = /%(?![0-9a-f]{2}).{0,2}/is.exec(text)?.[0];
      if (wrong !== undefined) return `invalid URL escape ${JSON.stringify(wrong)}`;
    }
  }
  return undefined;
}
