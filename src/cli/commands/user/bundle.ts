/** What docker needs to reach the cluster as somebody: a directory for DOCKER_CERT_PATH, with a file for `docker context import`. Effects: files. */
import { accessSync, constants, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tarOf } from '../../../engine/tar.ts';
import { ArpanetError } from '../../../model/errors.ts';
import type { ClientFlags } from '../../command.ts';
import { afterScheme, formatHostPort, parseHostPort } from '../../../text/host-port.ts';

export interface BundleFlags {
  readonly ttl?: string;
  readonly out?: string;
  readonly host?: string;
}

/** Of `arpanet user add`. */
export interface UserFlags extends ClientFlags, BundleFlags {
  readonly role?: string;
  readonly deployments?: readonly string[];
  readonly certificate?: boolean;
}

/** In PEM form. */
export interface Pems {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const TLS_PORT = 2376;

/** `tcp://HOST:PORT`. Throws `invalid` for what is no address. */
export function tlsAddress(given: string | undefined, endpointUrl: string): string {
  const asked = given ?? (endpointUrl.startsWith('unix:') ? '127.0.0.1' : new URL(endpointUrl).hostname);
  const address = parseHostPort(afterScheme(asked, 'tcp', 'tls', 'https') ?? asked, TLS_PORT);
  if (address === undefined) throw new ArpanetError('invalid', `--host ${asked} is no tcp://HOST:PORT`);
  return `tcp://${formatHostPort(address)}`;
}

/** Where a bundle goes. */
export interface BundleFolder {
  readonly dir: string;
  /** Takes away what was made of it. */
  readonly remove: () => void;
}

const unwritable = (dir: string, cause: unknown): ArpanetError => new ArpanetError('invalid', `--out: cannot write to ${dir}`, { cause });

/** Made before anybody is asked: who is added has a key. Throws `invalid` where it cannot write. */
export function bundleFolder(name: string, flags: BundleFlags): BundleFolder {
  const dir = resolve(flags.out ?? `${name}-cluster`);
  try {
    const made = mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK);
    return { dir, remove: () => made !== undefined && rmSync(made, { recursive: true, force: true }) };
  } catch (cause) {
    throw unwritable(dir, cause);
  }
}

/** Writes the files, the key for its owner alone, and gives the lines to type. Throws `invalid` where it cannot write. */
export async function writeBundle(name: string, pems: Pems, address: string, dir: string): Promise<readonly string[]> {
  const context = join(dir, `${name}.dockercontext`);
  try {
    const write = (file: string, data: string | Buffer): void => writeFileSync(file, data, { mode: 0o600 });
    write(join(dir, 'ca.pem'), pems.ca);
    write(join(dir, 'cert.pem'), pems.certificate);
    write(join(dir, 'key.pem'), pems.key);
    write(context, await exported(name, pems, address));
  } catch (cause) {
    throw unwritable(dir, cause);
  }
  return [
    `export DOCKER_HOST=${address} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=${dir}`,
    `docker context import ${name} ${context} && docker context use ${name}`,
  ];
}

/** As `docker context export` writes it (docker/cli cli/context/store/store.go). */
async function exported(name: string, { ca, certificate, key }: Pems, address: string): Promise<Buffer> {
  const meta = {
    Name: name,
    Metadata: { Description: 'a cluster of arpanet' },
    Endpoints: { docker: { Host: address, SkipTLSVerify: false } },
  };
  const files = {
    'meta.json': JSON.stringify(meta),
    'tls/docker/ca.pem': ca,
    'tls/docker/cert.pem': certificate,
    'tls/docker/key.pem': key,
  };
  const entries = Object.entries(files).map(([path, text]) => ({ path, data: Buffer.from(text), uid: 0, gid: 0, mode: 0o600 }));
  return await tarOf(entries, Date.now());
}
