/** What a certificate of the cluster's CA says of its holder (pure). */
import { X509Certificate } from 'node:crypto';
import { ArpanetError } from '../model/errors.ts';

/** client: a user; host: an agent; scheduler: one of the schedulers. */
export type CertificateKind = (typeof KINDS)[number];
const KINDS = ['client', 'host', 'scheduler'] as const;

/** The holder of a certificate. */
export interface CertifiedIdentity {
  readonly kind: CertificateKind;
  /** Of the user, the host or the scheduler: the certificate's common name (CN). */
  readonly name: string;
  /** In hexadecimal digits, as `openssl x509 -serial` prints it. */
  readonly serial: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Undefined: not of a form that the cluster's CA makes. It proves nothing by itself: TLS has checked the signature, or signedBy does. */
export function identityIn(certificate: X509Certificate): CertifiedIdentity | undefined {
  const parts = certificate.subject.split('\n');
  const [unit, name] = [valueOf(parts, 'OU='), valueOf(parts, 'CN=')];
  const kind = kindOf(unit);
  if (kind === undefined || name === undefined || parts.length !== 2) return undefined;
  const { serialNumber: serial, validFrom, validTo } = certificate;
  return { kind, name, serial, fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) };
}

/** Of an organizational unit (OU). */
export const kindOf = (unit: string | undefined): CertificateKind | undefined => KINDS.find((one) => one === unit);

/** Exactly one part has this type. */
function valueOf(parts: readonly string[], type: string): string | undefined {
  const [found, ...more] = parts.filter((part) => part.startsWith(type));
  return more.length === 0 ? found?.slice(type.length) : undefined;
}

/** The certificates of a PEM text. Throws `invalid` for one that holds none, or one that is damaged. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new ArpanetError('invalid', 'there is no certificate in PEM form');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new ArpanetError('invalid', 'a certificate is damaged', { cause });
  }
}

/** SHA-256 of the certificate in DER, 64 hexadecimal digits: what a join token names a CA by. */
export const fingerprintOf = (certificate: X509Certificate): string => certificate.fingerprint256.replaceAll(':', '').toLowerCase();

/** Whether one of these CAs has signed it, whatever the time is. */
export function signedBy(certificate: X509Certificate, cas: readonly X509Certificate[]): boolean {
  return cas.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
}

/** Why it is of no use at `nowMs`, with both times; undefined: it is valid. */
export function validityFault({ fromMs, toMs }: Pick<CertifiedIdentity, 'fromMs' | 'toMs'>, nowMs: number): string | undefined {
  if (fromMs <= nowMs && nowMs <= toMs) return undefined;
  const at = (ms: number): string => new Date(ms).toISOString();
  return `the certificate is valid from ${at(fromMs)} to ${at(toMs)}, and this machine's clock says ${at(nowMs)}`;
}

/** When a certificate is renewed: at two thirds of its life. */
export const renewAtMs = ({ fromMs, toMs }: Pick<CertifiedIdentity, 'fromMs' | 'toMs'>): number => fromMs + ((toMs - fromMs) * 2) / 3;
