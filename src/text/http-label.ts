/** By which host name and path HTTP reaches a container, as its label `arpanet.http` has it: `shop.example.com/api,www.shop.example.com port=8080 sticky`. Pure. */

import { isHostName } from './names.ts';

/** What such a label says. */
export interface HttpClaim {
  /** `shop.example.com/` or `shop.example.com/api/`: in lower case, each with a `/` at its end, each once. */
  readonly sites: readonly string[];
  /** Of the container. Undefined: the only TCP port that it exposes, else 80. */
  readonly port: number | undefined;
  /** The container speaks HTTP/2 without TLS, as gRPC servers do (RFC 9113 section 3.3). */
  readonly isH2c: boolean;
  /** A client that has had an answer from an instance comes back to it, by a cookie. */
  readonly isSticky: boolean;
}

const MAX_PORT = 65_535;
/** Longer ones are no names (RFC 1035 section 2.3.4), or no line of a configuration. */
const [LONGEST_NAME, LONGEST_PATH, MOST_SITES] = [253, 200, 20];
/** Of what RFC 3986 lets a path have (section 3.3): no `%`, as a proxy compares paths as they are sent, and nothing that ends a cookie's path. */
const PATH = /^(?:\/[A-Za-z0-9._~@:+-]+)*\/?$/;

/** What such a label must be like, as the end of a sentence. */
export const HTTP_FORM =
  'it must be like "shop.example.com" or "shop.example.com/api,www.shop.example.com port=8080 proto=h2c sticky": host names (xn--… where they have other letters) with or without a path, each once, then words';

/** Undefined for a text of another form, an unknown word, or a name that is given twice. */
export function parseHttp(text: string): HttpClaim | undefined {
  const [list = '', ...words] = text.trim().split(/\s+/);
  const sites = list.split(',').map(siteOf);
  const isNamed = sites.every((site) => site !== undefined) && new Set(sites).size === sites.length && sites.length <= MOST_SITES;
  if (!isNamed || new Set(words.map((word) => word.split('=')[0])).size !== words.length) return undefined;
  const claim = { port: undefined as number | undefined, isH2c: false, isSticky: false };
  for (const word of words) {
    const [, port] = /^port=(\d{1,5})$/.exec(word) ?? [];
    if (port !== undefined && Number(port) >= 1 && Number(port) <= MAX_PORT) claim.port = Number(port);
    else if (word === 'proto=h2c') claim.isH2c = true;
    else if (word === 'sticky') claim.isSticky = true;
    else if (word !== 'proto=http') return undefined;
  }
  return { sites, ...claim };
}

/** A label that cannot be read says nothing: a create with one is refused. */
export const httpOf = (label: string | null | undefined): HttpClaim | undefined => (label ? parseHttp(label) : undefined);

function siteOf(text: string): string | undefined {
  const at = text.indexOf('/');
  const [name, path] = at < 0 ? [text, '/'] : [text.slice(0, at), text.slice(at)];
  const host = name.toLowerCase();
  const isRead = host.length <= LONGEST_NAME && path.length <= LONGEST_PATH && host.split('.').every(isHostName) && PATH.test(path);
  const hasDots = path.split('/').some((segment) => segment === '.' || segment === '..');
  return isRead && !hasDots ? `${host}${path.endsWith('/') ? path : `${path}/`}` : undefined;
}
