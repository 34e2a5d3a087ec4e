/** A CA that speaks ACME (Debian's pebble) and a client of it (acme-tiny), each on loopback addresses of their own. */
import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endProcess, until } from '../cluster/cluster.ts';
import { spawnMortal } from '../cluster/mortal.ts';

export interface Pebble extends AsyncDisposable {
  /** Asks for a certificate by HTTP-01, whose answers the client puts into `challenges`. The certificate, its CA's, and its key, as PEM. */
  readonly issue: (name: string, challenges: string) => Promise<string>;
}

const [ACME_PORT, DNS_PORT] = [14_000, 8_053];

/** It looks each name up as `addressOfAll`, and calls it at `httpPort`. */
export async function startPebble(
  parent: string,
  address: string,
  { httpPort, addressOfAll }: { readonly httpPort: number; readonly addressOfAll: string },
): Promise<Pebble> {
  const folder = join(parent, 'pebble');
  mkdirSync(folder);
  const at = (name: string): string => join(folder, name);
  const openssl = (args: string): string =>
    execFileSync('openssl', args.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const key = (file: string): string => `-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${at(file)}`;
  openssl(`req -x509 ${key('tls.key')} -out ${at('tls.pem')} -days 2 -subj /CN=pebble -addext subjectAltName=IP:${address}`);
  openssl(`genrsa -out ${at('account.key')} 2048`);
  const config = {
    listenAddress: `${address}:${ACME_PORT}`,
    certificate: at('tls.pem'),
    privateKey: at('tls.key'),
    httpPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
  };
  writeFileSync(at('config.json'), JSON.stringify({ pebble: config }));
  const none = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', `${address}:${DNS_PORT + 1}`];
  const names = ['-dns01', `${address}:${DNS_PORT}`, '-defaultIPv4', addressOfAll, '-defaultIPv6', ''];
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' };
  const children: readonly ChildProcess[] = [
    spawnMortal('pebble-challtestsrv', [...names, ...none], { stdio: 'ignore' }),
    spawnMortal('pebble', ['-config', at('config.json'), '-dnsserver', `${address}:${DNS_PORT}`], { env, stdio: 'ignore' }),
  ];
  await until('the CA answers', async () => {
    const socket = connect(ACME_PORT, address);
    await once(socket, 'connect').finally(() => socket.destroy());
    return true;
  });
  return {
    async issue(name, challenges) {
      openssl(`req -new ${key('own.key')} -out ${at('own.csr')} -subj /CN=${name} -addext subjectAltName=DNS:${name}`);
      const words = ['--account-key', at('account.key'), '--csr', at('own.csr'), '--acme-dir', challenges, '--disable-check', '--quiet'];
      const trust = { ...process.env, SSL_CERT_FILE: at('tls.pem') };
      const asked = [...words, '--directory-url', `https://${address}:${ACME_PORT}/dir`];
      const { stdout: chain } = await promisify(execFile)('acme-tiny', asked, { env: trust });
      return `${chain}${readFileSync(at('own.key'), 'utf8')}`;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map(endProcess));
    },
  };
}
