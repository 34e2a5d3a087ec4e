/** Certificates for tests: of an operator's own CA, made by openssl (ECDSA P-256, valid for two days), and of a cluster's. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterTls } from '../../src/docker-api/index.ts';
import type { CaRecord } from '../../src/model/index.ts';
import { type CertificateKind, type Credentials, newKeyPair, openAuthority } from '../../src/security/index.ts';

const newKey = (path: string): string[] => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path];
const openssl = (args: readonly string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });

/** `ca.pem`, `cert.pem` and `key.pem` of a client, as DOCKER_CERT_PATH wants them; `server-cert.pem` and `server-key.pem` for 127.0.0.1 and localhost. */
export function makeCertificates(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const at = (name: string): string => join(dir, name);
  openssl(['req', '-x509', ...newKey(at('ca-key.pem')), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=ca']);
  const uses = { '': 'clientAuth', 'server-': 'serverAuth\nsubjectAltName=IP:127.0.0.1,DNS:localhost' };
  for (const [prefix, use] of Object.entries(uses)) {
    writeFileSync(at('uses'), `extendedKeyUsage=${use}\n`);
    openssl(['req', '-new', ...newKey(at(`${prefix}key.pem`)), '-out', at('request'), '-subj', `/CN=${prefix}one`]);
    const by = ['-CA', at('ca.pem'), '-CAkey', at('ca-key.pem'), '-CAcreateserial', '-extfile', at('uses')];
    openssl(['x509', '-req', '-in', at('request'), ...by, '-days', '2', '-out', at(`${prefix}cert.pem`)]);
  }
}

/** What a process or a user of a cluster with these CAs has, from the first of them; schedulers and hosts are also reached under `names`. */
export async function credentialsFrom(
  cas: CaRecord,
  kind: CertificateKind,
  commonName: string,
  names: readonly string[] = [],
): Promise<Credentials> {
  const ca = openAuthority(cas, Date.now);
  const { publicKey, privateKey } = newKeyPair();
  const { certificate } = await ca.issue({ publicKey, commonName, kind, names, ttlMs: 86_400_000 });
  return { certificate, privateKey, bundle: ca.bundle };
}

/** As a scheduler process has them. */
export function fixedCertificate(credentials: Credentials | undefined): ClusterTls {
  return { current: () => credentials, onChange: (take) => credentials && take(credentials) };
}
