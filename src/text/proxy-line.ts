/** The line of the PROXY protocol that says who called, before what a connection itself sends. Source: haproxy.org, doc/proxy-protocol.txt, section 2.1 (version 1). Pure. */

/** A connection, as its listener has it. */
export interface Called {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** With its end. */
export const MOST_PROXY_LINE = 107;

/** `PROXY TCP4 192.0.2.1 10.9.0.1 56324 8080`, with its end. */
export function proxyLine({ remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 }: Called): string {
  // no zone: `fe80::1%eth0` is no address of the protocol
  const [from, to] = [remoteAddress, localAddress].map((address) => address.replace(/^::ffff:(?=\d+\.)|%.*$/g, ''));
  // a caller that has gone already has no address
  if (!from || !to) return 'PROXY UNKNOWN\r\n';
  return `PROXY ${from.includes(':') ? 'TCP6' : 'TCP4'} ${from} ${to} ${remotePort} ${localPort}\r\n`;
}

/** The port that was called. Undefined: it is no such line. */
export function calledPort(line: string): number | undefined {
  const [, port] = /^PROXY TCP[46] [\da-fA-F.:]+ [\da-fA-F.:]+ \d{1,5} (\d{1,5})\r\n$/.exec(line) ?? [];
  return port === undefined ? undefined : Number(port);
}
