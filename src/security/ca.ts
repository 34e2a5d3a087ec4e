/**
 * The cluster's certificate authority: it says by certificates who is a host, a scheduler or a user. Its keys are in the store, sealed. Effects: chance (keys, serial
 * numbers), the clock that it is given.
 */
import { createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { ArpanetError } from '../model/errors.ts';
import type { CaRecord, StoredAuthority } from '../model/records.ts';
import type { Statement } from './ca-certificate.ts';
import { type CertificateKind, certificatesIn, fingerprintOf } from './ca-identity.ts';

/** What a certificate is asked for. */
export interface IssueRequest {
  /** The subject's own, in PEM form (SPKI): the private key stays where it was made. */
  readonly publicKey: string;
  /** The name of the user, the host or the scheduler, as ada or ada@corp.example: the certificate's common name (CN). */
  readonly commonName: string;
  /** Which of them: the certificate's organizational unit (OU). A `client` certificate proves a client alone; the others both ends. */
  readonly kind: CertificateKind;
  /** Subject alternative names: DNS names and IP addresses at which it serves. */
  readonly names: readonly string[];
  readonly ttlMs: number;
}

/** A certificate that was just made. */
export interface Issued {
  /** In PEM form; while a CA from before is trusted, with that one's certificate for the CA that has signed it. */
  readonly certificate: string;
  /** In hexadecimal digits, in capitals. */
  readonly serial: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Which CA has signed it, by its fingerprint: another may sign by the time that this is noted. */
  readonly ca: string;
}

/** Signs certificates, and says whose are trusted. */
export interface CertificateAuthority {
  /** SHA-256 of its certificate, 64 hexadecimal digits. */
  readonly fingerprint: string;
  /** The certificates of all trusted CAs, in PEM form. */
  readonly bundle: string;
  readonly trusted: readonly X509Certificate[];
  /** Throws `invalid`: no public key of ECDSA P-256, a name that is empty or too long, no time to live. */
  readonly issue: (request: IssueRequest) => Promise<Issued>;
}

const DAY_MS = 86_400_000;
const CA_LIFE_MS = 3_650 * DAY_MS;
/** Clocks that are behind by less find certificates valid at once. */
const BACKDATED_MS = 3_600_000;
/** What no writing of a distinguished name needs to escape (RFC 4514 section 2.4), no longer than ub-common-name (RFC 5280 appendix A.1). */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** Two keys in PEM form, for ECDSA P-256. */
export function newKeyPair(): { readonly publicKey: string; readonly privateKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** A CA of its own name, valid for ten years. */
export async function newAuthority(nowMs: number): Promise<StoredAuthority> {
  const { publicKey, privateKey } = newKeyPair();
  const serial = newSerial();
  const certificate = await writeCertificate({
    subject: { commonName: `arpanet CA ${serial.subarray(0, 4).toString('hex')}` },
    publicKey,
    serial,
    fromMs: wholeSeconds(nowMs - BACKDATED_MS),
    toMs: wholeSeconds(nowMs + CA_LIFE_MS),
    signingKey: privateKey,
    casBelow: 1,
    uses: [],
    names: [],
  });
  return { certificate, key: privateKey };
}

/**
 * With a new CA, which signs from now on; the ones before are trusted still. The one before certifies the new one: who trusts that one alone takes what the new one signs, too. Throws
 * `conflict` while there is more than one, `invalid` for a record without a CA.
 */
export async function withNewAuthority({ authorities }: CaRecord, nowMs: number): Promise<CaRecord> {
  const [before] = authorities;
  if (before === undefined || authorities.length > 1)
    throw new ArpanetError(
      'conflict',
      'a CA from before is trusted still: "arpanet ca finish" ends its rotation, and "arpanet ca" lists what is left',
    );
  const made = await newAuthority(nowMs);
  const [own] = certificatesIn(made.certificate);
  const [old] = certificatesIn(before.certificate);
  if (own === undefined || old === undefined) throw new ArpanetError('invalid', 'the record holds no CA');
  const cross = await writeCertificate({
    subject: { commonName: nameOf(own) },
    publicKey: keyOf(own),
    serial: newSerial(),
    fromMs: Date.parse(own.validFrom),
    toMs: Math.min(Date.parse(own.validTo), Date.parse(old.validTo)),
    issuer: { subject: { commonName: nameOf(old) }, publicKey: keyOf(old) },
    signingKey: before.key,
    casBelow: 0,
    uses: [],
    names: [],
  });
  return { authorities: [{ ...made, cross }, before], rotatedMs: nowMs };
}

/** With the CA that signs alone. */
export const withoutOldAuthorities = ({ authorities: [first], rotatedMs }: CaRecord): CaRecord => ({
  authorities: first === undefined ? [] : [{ certificate: first.certificate, key: first.key }],
  ...(rotatedMs === undefined ? {} : { rotatedMs }),
});

const nameOf = (ca: X509Certificate): string => ca.subject.replace(/^CN=/, '');
const keyOf = (ca: X509Certificate): string => ca.publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** Throws `invalid` for a record without a CA, or with a damaged one. */
export function openAuthority({ authorities }: CaRecord, now: () => number): CertificateAuthority {
  const trusted = authorities.flatMap(({ certificate }) => certificatesIn(certificate));
  const [first] = authorities;
  const [own] = trusted;
  if (first === undefined || own === undefined) throw new ArpanetError('invalid', 'the record holds no CA');
  const issuer = { subject: { commonName: nameOf(own) }, publicKey: keyOf(own) };
  return {
    fingerprint: fingerprintOf(own),
    bundle: trusted.map((ca) => ca.toString()).join(''),
    trusted,
    async issue({ publicKey, commonName, kind, names, ttlMs }) {
      if (!NAME.test(commonName))
        throw new ArpanetError(
          'invalid',
          `"${commonName}" cannot be the name in a certificate: 1 to 64 letters (a-z), digits and ".", "_", "@", "-", the first of them a letter or digit`,
        );
      if (!(ttlMs > 0)) throw new ArpanetError('invalid', 'a certificate must be valid for some time');
      const serial = newSerial();
      const nowMs = now();
      const fromMs = wholeSeconds(nowMs - BACKDATED_MS);
      const toMs = Math.min(wholeSeconds(nowMs + ttlMs), Date.parse(own.validTo));
      const certificate = await writeCertificate({
        subject: { commonName, unit: kind },
        publicKey: checkedKey(publicKey),
        serial,
        fromMs,
        toMs,
        issuer,
        signingKey: first.key,
        uses: kind === 'client' ? ['clientAuth'] : ['clientAuth', 'serverAuth'],
        names,
      });
      return {
        certificate: certificate + (first.cross ?? ''),
        serial: new X509Certificate(certificate).serialNumber,
        fromMs,
        toMs,
        ca: fingerprintOf(own),
      };
    },
  };
}

/** Positive and of one length: RFC 5280 section 4.1.2.2. */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

function checkedKey(pem: string): string {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key.export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    // said below
  }
  throw new ArpanetError('invalid', 'the public key is none of ECDSA P-256 in PEM form');
}

async function writeCertificate(said: Statement): Promise<string> {
  return (await import('./ca-certificate.ts')).writeCertificate(said);
}
