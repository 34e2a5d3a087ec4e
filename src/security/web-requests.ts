/**
 * What a web page may not do (pure): any page reaches a loopback address, by a name of its own that it points there (DNS rebinding) or by a
 * cross-site request. A browser tells both: the name that it used in `Host`, the page that asks in `Origin` and `Sec-Fetch-Site`.
 */
import { isIP } from 'node:net';
import { afterScheme, parseHostPort } from '../text/host-port.ts';

/** The names by which clients may reach a scheduler, in lower case. */
export interface AllowedHosts {
  readonly names: ReadonlySet<string>;
  /** `.corp.example`: any name below it. */
  readonly suffixes: readonly string[];
}

/** The part of a request's head that decides, as node:http gives it. */
export interface WebHead {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/** `*.corp.example` allows every name below `corp.example`; anything else is one name. */
export function allowedHosts(names: Iterable<string>): AllowedHosts {
  const all = [...names].map(bare).filter((name) => name !== '');
  return {
    names: new Set(all.filter((name) => !name.startsWith('*.'))),
    suffixes: all.filter((name) => name.startsWith('*.')).map((name) => name.slice(1)),
  };
}

/**
 * Why this `Host` is refused; undefined: it is not. Names that no stranger can own are allowed unlisted: addresses, names of one label, those below
 * `localhost` (RFC 6761 section 6.3) and `internal` (reserved by ICANN in 2024). An empty `Host` is Docker's on hijacked connections.
 */
export function refuseHost(host: string | undefined, allowed: AllowedHosts): string | undefined {
  if (host === undefined || host === '') return undefined;
  const name = bare(parseHostPort(host, 0)?.host ?? host);
  if (isIP(name) > 0 || !name.includes('.') || name.endsWith('.localhost') || name.endsWith('.internal')) return undefined;
  if (allowed.names.has(name) || allowed.suffixes.some((suffix) => name.endsWith(suffix))) return undefined;
  return `the Host "${name}" is not a name of this scheduler: use its address, or start it with --allow-host ${name}`;
}

/**
 * Why a request is refused because a page of another site makes it; undefined: no browser sent it, its user typed it, or the page is of this very origin.
 * Source: Fetch Metadata Request Headers section 2.4, RFC 6454 section 7.
 */
export function refuseCrossSite(head: WebHead): string | undefined {
  const { origin, host = '' } = head;
  const site = head['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'a request of a web page of another site is refused';
  if (origin === undefined) return undefined;
  const from = afterScheme(origin, 'http', 'https', 'ws', 'wss');
  if (host !== '' && from?.toLowerCase() === host.toLowerCase()) return undefined;
  return `a request of a web page of another site (Origin ${origin.slice(0, 200)}) is refused`;
}

/** What Engines call themselves where they fetch an address: for a build (`ADD`, a remote context), an import, or a registry's token. */
const FETCHES = /^(?:docker|containerd|buildkit|Go-http-client)\//i;
/** What everybody may read. */
const HARMLESS = /^(?:\/v\d+\.\d+)?\/(?:_ping|version)$/;

/**
 * Why a request is refused that came without a certificate: an Engine makes it, for who may not do everything, and by loopback it would be an admin's. A Go
 * program that says nothing of itself looks the same, but for what no Engine fetches, or anybody may: upgrades, pings and the version, which are all that
 * buildx asks of an Engine that builds (its driver `docker`).
 */
export function refuseFetched(agent: string | undefined, url: string, isUpgrade: boolean): string | undefined {
  if (agent === undefined || !FETCHES.test(agent) || isUpgrade || HARMLESS.test(url)) return undefined;
  return `"${agent.slice(0, 200)}" may be an Engine that fetches an address for a viewer or deployer: ask by a Unix socket of the scheduler, or with a certificate`;
}

/** In lower case, without the dot of the root. */
function bare(name: string): string {
  return name.trim().toLowerCase().replace(/\.$/, '');
}
