/** A scheduler's own certificate and the CA of its clients. Effects: reads files. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ArpanetError } from '../model/errors.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What these files hold. */
export type TlsIdentity = Readonly<Record<keyof TlsFiles, Buffer>>;

/** Throws `invalid`, with the flag and the path: a file that cannot be read or is no PEM, a key of another certificate, one that is not valid at `nowMs`. */
export function readTls(files: TlsFiles, nowMs: number): TlsIdentity {
  const tls = { ca: read('ca', files.ca), cert: read('cert', files.cert), key: read('key', files.key) };
  certificate('ca', files.ca, tls.ca);
  const { validFrom, validTo } = certificate('cert', files.cert, tls.cert);
  if (!(Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo))) {
    const now = new Date(nowMs).toISOString();
    throw new ArpanetError(
      'invalid',
      `--tls-cert: ${files.cert} is valid from ${validFrom} to ${validTo}, and this machine's clock says ${now}`,
    );
  }
  try {
    createSecureContext({ cert: tls.cert, key: tls.key });
  } catch (cause) {
    throw new ArpanetError('invalid', `--tls-key: ${files.key} is not the private key of the certificate in ${files.cert}`, { cause });
  }
  return tls;
}

function read(what: keyof TlsFiles, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new ArpanetError('invalid', `--tls-${what}: cannot read ${path}${code}`, { cause });
  }
}

function certificate(what: keyof TlsFiles, path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ArpanetError('invalid', `--tls-${what}: ${path} holds no certificate in PEM form`, { cause });
  }
}
