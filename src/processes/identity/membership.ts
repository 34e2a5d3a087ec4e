/**
 * Joining: a host shows the join token, or a certificate that it has, and gets a certificate of its own. The leader remembers which ones it has given to whom: what is not in its list is
 * refused. Effects: the ledger, the CA.
 */
import { createKeyed } from '../../async/keyed.ts';
import { hostNamed } from '../../config/nearest.ts';
import { ArpanetError, type CertificateRecord, keys, type PassRecord } from '../../model/index.ts';
import { type CertificateAuthority, hostServerName, type Peer } from '../../security/index.ts';
import type { Change, Ledger } from '../../store/index.ts';
import type { Logger } from '../../telemetry/log.ts';
import { isHostName, HOST_NAME_FORM } from '../../text/names.ts';
import { passFor, useOf } from './join-passes.ts';

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

/** What a join is judged by. */
export interface KnownToLeader {
  readonly isToken: (token: string) => boolean;
  readonly isConnected: (host: string) => boolean;
}

export interface Membership {
  /** Throws `unauthorized` (token: wrong, over, used), `conflict` (the name is a connected host's), `forbidden` (revoked, another host's certificate), `invalid` (clock, key, name), `unavailable` (no CA). */
  readonly join: (request: JoinRequest, peer: Peer | undefined, known: KnownToLeader) => Promise<JoinAnswer>;
  /** Why the host that shows this certificate is not heard; undefined: it is. */
  readonly refusal: (peer: Peer) => string | undefined;
  /** The host has a certificate: who shows none is another. */
  readonly isCertified: (host: string) => boolean;
  /** Why nobody may speak with the host; undefined: it was not revoked. */
  readonly whyRevoked: (host: string) => string | undefined;
  /** Serial numbers of what was taken from hosts. */
  readonly revokedSerials: () => readonly string[];
  /** Takes all its certificates from it, and lets it join no more. Throws `not-found`, and `conflict` where there is nothing to take. */
  readonly revoke: (host: string) => Promise<void>;
  /** It may join again, by the token: what was taken from it stays refused. Throws `not-found`, and `conflict` for one that was not revoked. */
  readonly pardon: (host: string) => Promise<void>;
}

const LIFE_MS = 90 * 86_400_000;
/** Certificates are backdated by as much. */
const SKEW_MS = 3_600_000;
/** An answer may be lost: the certificates before count as well. */
const REMEMBERED = 3;
/** More than a host gets within the life of one. */
const REFUSED = 20;

export function createMembership(
  ledger: Pick<Ledger, 'get' | 'list' | 'commit'>,
  ca: CertificateAuthority | undefined,
  now: () => number,
  log: Logger,
): Membership {
  const recordOf = (host: string): CertificateRecord | undefined => ledger.get<CertificateRecord>(keys.certificate(host));
  /** A join that is under way does not undo a revocation. */
  const turns = createKeyed();
  const revoked = new Map<string, readonly string[]>();
  for (const [, { host, revokedSerials = [] }] of ledger.list<CertificateRecord>(keys.certificates))
    if (revokedSerials.length > 0) revoked.set(host, revokedSerials);

  async function put(record: CertificateRecord, together: readonly Change[] = []): Promise<void> {
    await ledger.commit([{ kind: 'put', key: keys.certificate(record.host), value: record }, ...together]);
    if (record.revokedSerials !== undefined) revoked.set(record.host, record.revokedSerials);
  }

  function whyRevoked(host: string): string | undefined {
    const revokedMs = recordOf(host)?.revokedMs;
    if (revokedMs === undefined) return undefined;
    return `host ${host} was revoked at ${timeOf(revokedMs)}: "arpanet hosts readmit ${host}" lets it join again`;
  }

  function hostOrRecord(host: string): CertificateRecord | undefined {
    const record = recordOf(host);
    if (record !== undefined || ledger.get(keys.host(host)) !== undefined) return record;
    const known = [keys.hosts, keys.certificates].flatMap((prefix) => ledger.list(prefix).map(([key]) => key.slice(prefix.length)));
    hostNamed(
      host,
      [...new Set(known)].map((name) => ({ name })),
    );
    return undefined;
  }

  function refusal(peer: Peer): string | undefined {
    if (peer.kind !== 'host') return `the certificate of ${peer.kind} ${peer.name} is no host's`;
    const why = whyRevoked(peer.name);
    if (why !== undefined) return why;
    if (recordOf(peer.name)?.serials.includes(peer.serial) === true) return undefined;
    return `this certificate of host ${peer.name} is not in use any more: it joins again with the join token`;
  }

  async function join(
    { name, publicKey, token, clockMs }: JoinRequest,
    peer: Peer | undefined,
    { isToken, isConnected }: KnownToLeader,
  ): Promise<JoinAnswer> {
    if (ca === undefined) throw new ArpanetError('unavailable', 'this cluster has no CA: its store needs a key (--cluster-key)');
    if (!isHostName(name)) throw new ArpanetError('invalid', `"${name}" cannot be the name of a host: ${HOST_NAME_FORM}`);
    const skewMs = Math.abs(clockMs - now());
    if (!(skewMs < SKEW_MS))
      throw new ArpanetError(
        'invalid',
        `the clock of host ${name} is wrong, or the scheduler's: it says ${timeOf(clockMs)}, and the scheduler's ${timeOf(now())}`,
      );
    const before = recordOf(name);
    const whyNot = whyRevoked(name);
    const pass = (): PassRecord | undefined =>
      token === undefined || isToken(token) ? undefined : passFor(ledger, token, { host: name, key: publicKey }, now());
    if (whyNot !== undefined) throw new ArpanetError('forbidden', whyNot);
    if (peer?.kind === 'host' && token === undefined) {
      if (peer.name !== name) throw new ArpanetError('forbidden', `the certificate is of host ${peer.name}, and not of ${name}`);
      const why = refusal(peer);
      if (why !== undefined) throw new ArpanetError('forbidden', why);
    } else if (token === undefined || (pass() === undefined && !isToken(token)))
      throw new ArpanetError('unauthorized', 'the join token is missing or wrong: "arpanet token" prints it');
    else if ((before?.serials.length ?? 0) > 0 && isConnected(name))
      throw new ArpanetError(
        'conflict',
        `host ${name} is connected, and who joins by the token under its name is another: give this machine another name (--name). If it is ${name} without its files, stop the agent that runs there first`,
      );
    const issued = await ca.issue({ publicKey, commonName: name, kind: 'host', names: [hostServerName(name)], ttlMs: LIFE_MS });
    const serials = [issued.serial, ...(before?.serials ?? [])].slice(0, REMEMBERED);
    const taken = before?.revokedSerials;
    const record = {
      host: name,
      serials,
      untilMs: issued.toMs,
      ca: issued.ca,
      ...(taken === undefined ? {} : { revokedSerials: taken }),
    };
    // asked again: another host may have joined by it meanwhile; or the token was rotated away; it is used in the transaction that lets this one in
    const used = pass();
    if (token !== undefined && used === undefined && !isToken(token))
      throw new ArpanetError('unauthorized', `the join token was rotated while host ${name} joined: "arpanet token" prints the one of now`);
    await put(record, used === undefined ? [] : useOf(used, { host: name, key: publicKey }, now()));
    log.info({ host: name, until: timeOf(issued.toMs), renewed: peer !== undefined }, 'certificate issued to a host');
    return { certificate: issued.certificate, bundle: ca.bundle };
  }

  return {
    refusal,
    isCertified: (host) => (recordOf(host)?.serials.length ?? 0) > 0 || whyRevoked(host) !== undefined,
    whyRevoked,
    revokedSerials: () => [...revoked.values()].flat(),
    join: (request, peer, known) => turns.serial(request.name, () => join(request, peer, known)),
    revoke: (host) =>
      turns.serial(host, async () => {
        const before = hostOrRecord(host);
        const why = whyRevoked(host);
        if (why !== undefined) throw new ArpanetError('conflict', why);
        if (before === undefined || before.serials.length === 0)
          throw new ArpanetError(
            'conflict',
            `host ${host} has no certificate that could be revoked: "arpanet hosts rm ${host} --force" takes it out of the cluster`,
          );
        const { serials, untilMs, revokedSerials = [] } = before;
        await put({ host, serials: [], untilMs, revokedMs: now(), revokedSerials: [...serials, ...revokedSerials].slice(0, REFUSED) });
        log.warn({ host }, 'host revoked');
      }),
    pardon: (host) =>
      turns.serial(host, async () => {
        const before = hostOrRecord(host);
        if (before?.revokedMs === undefined) throw new ArpanetError('conflict', `host ${host} was not revoked`);
        const { revokedMs: _before, ...rest } = before;
        await put(rest);
        log.info({ host }, 'host readmitted');
      }),
  };
}

const timeOf = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms));
