/** Certificates as they are written: X.509 version 3 (RFC 5280 section 4), ECDSA P-256 with SHA-256 (RFC 5758 section 3.2). Loaded when one is made: no other process needs the writer. */
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

/** What a certificate says. Keys are PEM: SPKI and PKCS #8. */
export interface Statement {
  readonly subject: Name;
  readonly publicKey: string;
  readonly serial: Buffer;
  readonly fromMs: number;
  readonly toMs: number;
  /** Another signs; undefined: it signs itself. */
  readonly issuer?: { readonly subject: Name; readonly publicKey: string };
  /** Key of who signs. */
  readonly signingKey: string;
  /** How many CAs below one another it may certify; undefined: it is none. */
  readonly casBelow?: number;
  readonly uses: readonly ('clientAuth' | 'serverAuth')[];
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
}

/** A distinguished name. */
export interface Name {
  readonly commonName: string;
  readonly unit?: string;
}

const COMMON_NAME = '2.5.4.3';
const UNIT = '2.5.4.11';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

/** In PEM form. */
export function writeCertificate(said: Statement): string {
  const spkiOf = (pem: string): Buffer => createPublicKey(pem).export({ type: 'spki', format: 'der' });
  const idOf = (pem: string) => {
    const info = AsnConvert.parse(spkiOf(pem), x509.SubjectPublicKeyInfo);
    return createHash('sha1').update(Buffer.from(info.subjectPublicKey)).digest(); // RFC 5280 section 4.2.1.2, method 1
  };
  const nameOf = ({ commonName, unit }: Name) =>
    new x509.Name(
      [[UNIT, unit] as const, [COMMON_NAME, commonName] as const].flatMap(([type, utf8String]) =>
        utf8String === undefined
          ? []
          : [
              new x509.RelativeDistinguishedName([
                new x509.AttributeTypeAndValue({ type, value: new x509.AttributeValue({ utf8String }) }),
              ]),
            ],
      ),
    );
  const extension = (extnID: string, critical: boolean, value: unknown) =>
    new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
  const isCa = said.casBelow !== undefined;
  const issuer = said.issuer ?? said;
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const keyUsage = new x509.KeyUsage();
  keyUsage.fromNumber(isCa ? keyCertSign | cRLSign : digitalSignature);
  const uses = { clientAuth: x509.id_kp_clientAuth, serverAuth: x509.id_kp_serverAuth };
  const names = said.names.map((name) => new x509.GeneralName(isIP(name) > 0 ? { iPAddress: name } : { dNSName: name }));
  const signatureAlgorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: new Uint8Array(said.serial).buffer,
    signature: signatureAlgorithm,
    issuer: nameOf(issuer.subject),
    validity: new x509.Validity({ notBefore: new Date(said.fromMs), notAfter: new Date(said.toMs) }),
    subject: nameOf(said.subject),
    subjectPublicKeyInfo: AsnConvert.parse(spkiOf(said.publicKey), x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions([
      extension(
        x509.id_ce_basicConstraints,
        true,
        new x509.BasicConstraints(isCa ? { cA: true, pathLenConstraint: said.casBelow ?? 0 } : {}),
      ),
      extension(x509.id_ce_keyUsage, true, keyUsage),
      extension(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(idOf(said.publicKey))),
      extension(
        x509.id_ce_authorityKeyIdentifier,
        false,
        new x509.AuthorityKeyIdentifier({ keyIdentifier: new x509.KeyIdentifier(idOf(issuer.publicKey)) }),
      ),
      ...(isCa ? [] : [extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage(said.uses.map((use) => uses[use])))]),
      ...(names.length === 0 ? [] : [extension(x509.id_ce_subjectAltName, false, new x509.SubjectAlternativeName(names))]),
    ]),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), createPrivateKey(said.signingKey));
  const signed = new x509.Certificate({ tbsCertificate, signatureAlgorithm, signatureValue: new Uint8Array(signature).buffer });
  return pemOf(Buffer.from(AsnConvert.serialize(signed)));
}

const pemOf = (der: Buffer): string => {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};
