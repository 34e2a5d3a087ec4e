/**
 * Gateways with TLS answer schedulers of their cluster alone. Its CA is lost with the store; any backup has it, and with it the command certifies itself. Effects: chance, for its key.
 */
import { type CaRecord, type CertificateRecord, type HostRecord, keys } from '../model/index.ts';
import { accepts, caRecord } from '../schemas/index.ts';
import { type Credentials, newKeyPair, openAuthority, SCHEDULER_NAME } from '../security/index.ts';
import type { BackedUp } from './backup-file.ts';

/** The certificate that a host's gateway has shown. */
export interface ShownCertificate {
  readonly serial: string;
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;

/** The cluster's CA as a backup has it; undefined: the cluster had none. */
export function caIn(records: readonly BackedUp[]): CaRecord | undefined {
  const found = records.find(([key]) => key === keys.ca)?.[1];
  return accepts(caRecord, found) ? found : undefined;
}

/** What this command shows to gateways, for an hour. Throws `invalid` for a damaged CA. */
export async function recoveringScheduler(ca: CaRecord, now: () => number): Promise<Credentials> {
  const { publicKey, privateKey } = newKeyPair();
  const authority = openAuthority(ca, now);
  const asked = { publicKey, commonName: 'recover', kind: 'scheduler', names: [SCHEDULER_NAME], ttlMs: HOUR_MS } as const;
  const { certificate } = await authority.issue(asked);
  return { certificate, privateKey, bundle: authority.bundle };
}

/**
 * What a new store needs so that hosts with certificates come back by themselves: the CA, which certificates count, and those that do not (`revoked`, as the backup has it). Pure but for the
 * records that it is given, in which these hosts are marked.
 */
export function trustRecords(
  ca: CaRecord,
  backedUp: readonly BackedUp[],
  shown: ReadonlyMap<string, ShownCertificate>,
  records: readonly BackedUp[],
): readonly BackedUp[] {
  const before = new Map(
    backedUp.flatMap(([key, value]) =>
      key.startsWith(keys.certificates) ? [[key.slice(keys.certificates.length), value as CertificateRecord] as const] : [],
    ),
  );
  const certificates = [...new Set([...before.keys(), ...shown.keys()])].flatMap((host): readonly BackedUp[] => {
    const { revokedMs, revokedSerials } = before.get(host) ?? {};
    const now = shown.get(host);
    if (now === undefined && revokedSerials === undefined) return [];
    const record: CertificateRecord = {
      host,
      serials: now === undefined || revokedMs !== undefined ? [] : [now.serial],
      untilMs: now?.toMs ?? 0,
      ...(revokedMs !== undefined && { revokedMs }),
      ...(revokedSerials !== undefined && { revokedSerials }),
    };
    return [[keys.certificate(host), record]];
  });
  const marked = records.map(([key, value]): BackedUp => {
    const host = key.startsWith(keys.hosts) ? (value as HostRecord) : undefined;
    return host !== undefined && shown.has(host.name) ? [key, { ...host, hasTls: true }] : [key, value];
  });
  return [...marked, ...certificates, [keys.ca, ca]];
}
