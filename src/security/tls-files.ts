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

/** Paths of PEM files by which Consul is asked; none: plain. Throws `invalid`, with the flag and the path. */
export function readConsulTls(
  files: { readonly [file in keyof TlsFiles]?: string | undefined },
): { readonly [file in keyof TlsFiles]?: Buffer } | undefined {
  const { ca, cert, key } = files;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined))
    throw new ArpanetError('invalid', 'Consul is shown a certificate with its key: give --consul-cert and --consul-key');
  const tls = {
    ...(ca !== undefined && { ca: read('ca', ca, 'consul') }),
    ...(cert !== undefined && key !== undefined && { cert: read('cert', cert, 'consul'), key: read('key', key, 'consul') }),
  };
  if (ca !== undefined && tls.ca !== undefined) certificate('ca', ca, tls.ca, 'consul');
  if (cert !== undefined && tls.cert !== undefined) certificate('cert', cert, tls.cert, 'consul');
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new ArpanetError('invalid', `--consul-key: ${key} is not the private key of the certificate in ${cert}`, { cause });
  }
  return tls;
}

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

function read(what: keyof TlsFiles, path: string, of = 'tls'): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new ArpanetError('invalid', `--${of}-${what}: cannot read ${path}${code}`, { cause });
  }
}

function certificate(what: keyof TlsFiles, path: string, pem: Buffer, of = 'tls'): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ArpanetError('invalid', `--${of}-${what}: ${path} holds no certificate in PEM form`, { cause });
  }
}
