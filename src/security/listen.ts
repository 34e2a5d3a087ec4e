/** Where a scheduler listens, and which of these addresses need certificates (pure). */
import { ArpanetError } from '../model/errors.ts';
import { parseAddress } from '../text/ipv4.ts';
import { formatHostPort, type HostPort } from '../text/host-port.ts';

/** An address as an operator writes it. */
export type AskedAddress =
  | ({ readonly scheme: 'tcp' | 'tls' } & HostPort)
  | { readonly scheme: 'unix'; readonly path: string; readonly mode: number; readonly group: string | undefined };

/** An address to listen on. */
export type ListenAddress =
  | ({ readonly isTls: boolean } & HostPort)
  | { readonly path: string; readonly mode: number; readonly group: string | undefined };

/** Where a scheduler listens. */
export interface ListenPlan {
  /** Where agents and the other schedulers reach it. */
  readonly main: HostPort & { readonly isTls: boolean };
  readonly others: readonly ListenAddress[];
  /** `tcp://10.0.0.1:2375`: addresses without TLS that other machines reach. */
  readonly exposed: readonly string[];
}

/** Only processes of the same machine reach it. RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3, RFC 6761 section 6.3. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && parseAddress(host) !== undefined);
}

/**
 * `tcp://` is plain on loopback; elsewhere it has TLS with the certificates of files, is plain with `--insecure`, and is refused without either. `tls://` has TLS everywhere, with the
 * cluster's certificates where there are no files. The main address is the first plain one, or else the first with TLS. Throws `invalid`: a plain address that others reach, certificates
 * that no address uses, no address of TCP.
 */
export function planListen(
  asked: readonly AskedAddress[],
  { isInsecure, hasCertificate }: { readonly isInsecure: boolean; readonly hasCertificate: boolean },
): ListenPlan {
  const exposed: string[] = [];
  const planned = asked.map((one): ListenAddress => {
    if (one.scheme === 'unix') return { path: one.path, mode: one.mode, group: one.group };
    const { host, port, scheme } = one;
    const isPlain = scheme === 'tcp' && (isLoopback(host) || isInsecure || !hasCertificate);
    if (isPlain && !isLoopback(host)) {
      if (!isInsecure) throw new ArpanetError('invalid', openToAll(one));
      exposed.push(`tcp://${formatHostPort(one)}`);
    }
    return { host, port, isTls: !isPlain };
  });
  const ofTcp = planned.filter((one): one is { isTls: boolean } & HostPort => 'host' in one);
  if (hasCertificate && !ofTcp.some((one) => one.isTls))
    throw new ArpanetError('invalid', '--tls-cert is given, but no address of --listen has TLS: add --listen tls://ADDR:2376');
  const main = ofTcp.find((one) => !one.isTls) ?? ofTcp[0];
  if (main === undefined) {
    throw new ArpanetError(
      'invalid',
      '--listen needs an address of TCP as well, at which agents and other schedulers reach this one: tls://ADDR:2376, or tcp://127.0.0.1:2375',
    );
  }
  return { main, others: planned.filter((one) => one !== main), exposed };
}

const openToAll = (at: HostPort): string =>
  `--listen tcp://${formatHostPort(at)} would have no TLS, and any client that reaches it would be root on every host. With TLS: --listen tls://${formatHostPort({ ...at, port: 2376 })}` +
  ' --listen tcp://127.0.0.1:2375, the second for commands on this machine; hosts then join by https://, and "arpanet user add" gives people certificates.' +
  ' On a network that you trust: --insecure, as well';
