/**
 * Joining: a host shows the join token, or a certificate that it has, and gets a certificate of its own. The leader remembers which ones it has given to whom: what is not in its list is
 * refused. Effects: the ledger, the CA.
 */
import { ArpanetError, type CertificateRecord, keys } from '../../model/index.ts';
import { type CertificateAuthority, hostServerName, type Peer } from '../../security/index.ts';
import type { Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { isHostName, HOST_NAME_FORM } from '../../text/names.ts';

/** What a host sends. */
export interface JoinRequest {
  readonly name: string;
  /** SPKI in PEM form. */
  readonly publicKey: string;
  /** The secret of the join token; not needed by who shows a certificate. */
  readonly token: string | undefined;
  /** What the host's clock says, in ms since 1970. */
  readonly clockMs: number;
}

/** What it gets. */
export interface JoinAnswer {
  readonly certificate: string;
  /** The CAs to trust. */
  readonly bundle: string;
}

export interface Membership {
  /** Throws `unauthorized` (token), `forbidden` (revoked, another host's certificate), `invalid` (clock, key, name), `unavailable` (no CA). */
  readonly join: (request: JoinRequest, peer: Peer | undefined, isToken: (token: string) => boolean) => Promise<JoinAnswer>;
  /** Why the host that shows this certificate is not heard; undefined: it is. */
  readonly refusal: (peer: Peer) => string | undefined;
  /** The host has a certificate: who shows none is another. */
  readonly isCertified: (host: string) => boolean;
  /** Takes all its certificates from it, and lets it join no more. Throws `not-found`. */
  readonly revoke: (host: string) => Promise<void>;
  /** It may join again. */
  readonly pardon: (host: string) => Promise<void>;
}

const LIFE_MS = 90 * 86_400_000;
/** Certificates are backdated by as much. */
const SKEW_MS = 3_600_000;
/** An answer may be lost: the certificates before count as well. */
const REMEMBERED = 3;

export function createMembership(
  ledger: Pick<Ledger, 'get' | 'commit'>,
  ca: CertificateAuthority | undefined,
  now: () => number,
  log: Logger,
): Membership {
  const recordOf = (host: string): CertificateRecord | undefined => ledger.get<CertificateRecord>(keys.certificate(host));

  function refusal(peer: Peer): string | undefined {
    if (peer.kind !== 'host') return `the certificate of ${peer.kind} ${peer.name} is no host's`;
    const record = recordOf(peer.name);
    if (record?.revokedMs !== undefined)
      return `host ${peer.name} was revoked at ${new Date(record.revokedMs).toISOString()}: "arpanet hosts add ${peer.name}" lets it join again`;
    if (record?.serials.includes(peer.serial) === true) return undefined;
    return `this certificate of host ${peer.name} is not in use any more: it joins again with the join token`;
  }

  return {
    refusal,
    isCertified: (host) => recordOf(host) !== undefined,
    async join({ name, publicKey, token, clockMs }, peer, isToken) {
      if (ca === undefined) throw new ArpanetError('unavailable', 'this cluster has no CA: its store needs a key (--cluster-key)');
      if (!isHostName(name)) throw new ArpanetError('invalid', `"${name}" cannot be the name of a host: ${HOST_NAME_FORM}`);
      const skewMs = Math.abs(clockMs - now());
      if (!(skewMs < SKEW_MS))
        throw new ArpanetError(
          'invalid',
          `the clock of host ${name} is wrong, or the scheduler's: it says ${timeOf(clockMs)}, and the scheduler's ${timeOf(now())}`,
        );
      const before = recordOf(name);
      if (before?.revokedMs !== undefined)
        throw new ArpanetError('forbidden', refusal({ kind: 'host', name, serial: '', isExpired: false }) ?? '');
      if (peer?.kind === 'host' && token === undefined) {
        if (peer.name !== name) throw new ArpanetError('forbidden', `the certificate is of host ${peer.name}, and not of ${name}`);
        const why = refusal(peer);
        if (why !== undefined) throw new ArpanetError('forbidden', why);
      } else if (token === undefined || !isToken(token))
        throw new ArpanetError('unauthorized', 'the join token is missing or wrong: "arpanet token" prints it');
      const issued = await ca.issue({ publicKey, commonName: name, kind: 'host', names: [hostServerName(name)], ttlMs: LIFE_MS });
      const serials = [issued.serial, ...(before?.serials ?? [])].slice(0, REMEMBERED);
      const record: CertificateRecord = { host: name, serials, untilMs: issued.toMs };
      await ledger.commit([{ kind: 'put', key: keys.certificate(name), value: record }]);
      log.info({ host: name, until: timeOf(issued.toMs), renewed: peer !== undefined }, 'certificate issued to a host');
      return { certificate: issued.certificate, bundle: ca.bundle };
    },
    async revoke(host) {
      const before = recordOf(host);
      if (before === undefined && ledger.get(keys.host(host)) === undefined) throw new ArpanetError('not-found', `no such host: ${host}`);
      const value: CertificateRecord = { host, serials: [], untilMs: before?.untilMs ?? now(), revokedMs: now() };
      await ledger.commit([{ kind: 'put', key: keys.certificate(host), value }]);
      log.warn({ host }, 'host revoked');
    },
    async pardon(host) {
      if (recordOf(host)?.revokedMs !== undefined) await ledger.commit([{ kind: 'delete', key: keys.certificate(host) }]);
    },
  };
}

const timeOf = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms));
