/** `HOST:PORT`; an IPv6 address is in brackets. Source: RFC 3986 section 3.2 (host and port of an authority). */

/** A name or an address with a port. */
export interface HostPort {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  /** From 0 to 65,535. */
  readonly port: number;
}

/**
 * `10.0.0.2:53`, `[2001:db8::2]:53`, `consul.local:8600`; with a default port also `10.0.0.2`, `[::1]` and a bare `2001:db8::2`. Undefined for anything
 * else.
 */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  // more than one colon and no bracket: an IPv6 address alone
  if (defaultPort !== undefined && /^[0-9a-fA-F.]*(?::[0-9a-fA-F.]*){2,}$/.test(text)) return { host: text, port: defaultPort };
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === undefined || port === undefined || port > 65_535 ? undefined : { host, port };
}

/** The text that `parseHostPort` reads. */
export function formatHostPort({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The port of a URL with an authority: its own, or that of its scheme. Undefined for what is none. */
export function urlPort(text: string): number | undefined {
  if (!URL.canParse(text)) return undefined;
  const { port, protocol } = new URL(text);
  return port === '' ? { 'http:': 80, 'https:': 443 }[protocol] : Number(port);
}

/** What follows `SCHEME://`, without one slash at the end; undefined: the text has none of these schemes. */
export function afterScheme(text: string, ...schemes: readonly string[]): string | undefined {
  const scheme = schemes.find((one) => text.startsWith(`${one}://`));
  return scheme === undefined ? undefined : text.slice(scheme.length + 3).replace(/\/$/, '');
}
