/** The cluster's CA: what its certificates say, and who takes them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, it } from 'node:test';
import { isKind, keys } from '../../../src/model/index.ts';
import { authorityOf } from '../../../src/processes/identity/cluster-ca.ts';
import {
  certificatesIn,
  fingerprintOf,
  identityIn,
  newAuthority,
  newKeyPair,
  openAuthority,
  renewAtMs,
  signedBy,
  validityFault,
} from '../../../src/security/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const NOW = Date.now();
const HOUR = 3_600_000;
const now = (): number => NOW;
const stored = await newAuthority(NOW);
const ca = openAuthority({ authorities: [stored] }, now);
const asked = { ...newKeyPair(), commonName: 'db-1', kind: 'host' as const, names: ['db-1.example', '127.0.0.1'], ttlMs: 24 * HOUR };

/** What a server with this identity, asking for certificates of `trust`, says of a client with another one. */
async function meet(
  server: { readonly cert: string; readonly key: string },
  client: { readonly cert: string; readonly key: string },
  trust: string,
): Promise<{ readonly version: string | null; readonly name: string | undefined } | string> {
  const listener = tls.createServer({ ...server, ca: trust, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const heard = Promise.race([
    once(listener, 'secureConnection').then(([socket]) => {
      const peer = (socket as tls.TLSSocket).getPeerX509Certificate();
      return { version: (socket as tls.TLSSocket).getProtocol(), name: peer && identityIn(peer)?.name };
    }),
    once(listener, 'tlsClientError').then(([error]) => String((error as NodeJS.ErrnoException).code)),
  ]);
  const socket = tls.connect({ host: '127.0.0.1', port, ...client, ca: trust, servername: 'db-1.example' });
  const failed = new Promise<string>((resolve) => socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')));
  try {
    return await Promise.race([heard, failed]);
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe("the cluster's CA", () => {
  it('issues certificates that say who they are for, from when to when, with a serial number of their own', async () => {
    const issued = await ca.issue(asked);
    const identity = identityIn(new X509Certificate(issued.certificate));
    assert.deepEqual(identity, { kind: 'host', name: 'db-1', serial: issued.serial, fromMs: issued.fromMs, toMs: issued.toMs });
    assert.match(issued.serial, /^[4-7][0-9A-F]{31}$/);
    assert.notEqual((await ca.issue(asked)).serial, issued.serial);
    assert.equal(renewAtMs({ fromMs: 0, toMs: 9 }), 6);
    assert.equal(fingerprintOf(certificatesIn(ca.bundle)[0] as X509Certificate), ca.fingerprint);
  });

  it('openssl takes them under its strict rules, each for its own use', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-ca-'));
    try {
      writeFileSync(join(dir, 'ca.pem'), ca.bundle);
      const verify = (kind: string, purpose: string): string => {
        try {
          const args = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(dir, 'ca.pem'), join(dir, `${kind}.pem`)];
          return execFileSync('openssl', args, { stdio: 'pipe' }).toString().trim().replace(/^.*: /, '');
        } catch {
          return 'refused';
        }
      };
      for (const kind of ['host', 'scheduler', 'client'] as const) {
        writeFileSync(join(dir, `${kind}.pem`), (await ca.issue({ ...asked, kind })).certificate);
        assert.equal(verify(kind, 'sslclient'), 'OK', kind);
        assert.equal(verify(kind, 'sslserver'), kind === 'client' ? 'refused' : 'OK', kind);
      }
      assert.match(execFileSync('openssl', ['x509', '-in', join(dir, 'ca.pem'), '-noout', '-text']).toString(), /NIST CURVE: P-256/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('two ends with its certificates speak TLS 1.3; a certificate of another CA is refused by either', async () => {
    const foreign = openAuthority({ authorities: [await newAuthority(NOW)] }, now);
    const [own, other] = await Promise.all(
      [ca, foreign].map(async (by) => ({ cert: (await by.issue(asked)).certificate, key: asked.privateKey })),
    );
    assert.ok(own !== undefined && other !== undefined);
    assert.deepEqual(await meet(own, own, ca.bundle), { version: 'TLSv1.3', name: 'db-1' });
    assert.match(JSON.stringify(await meet(own, other, ca.bundle)), /UNABLE_TO|ECONNRESET|SELF_SIGNED/);
    assert.match(JSON.stringify(await meet(other, own, ca.bundle)), /UNABLE_TO|ECONNRESET|SELF_SIGNED/);
    const leaf = certificatesIn(own.cert)[0] as X509Certificate;
    assert.equal(signedBy(leaf, ca.trusted), true);
    assert.equal(signedBy(leaf, foreign.trusted), false);
  });

  it('trusts what an older CA of its own has signed, and signs by the newest', async () => {
    const before = await ca.issue(asked);
    const after = openAuthority({ authorities: [await newAuthority(NOW), stored] }, now);
    assert.notEqual(after.fingerprint, ca.fingerprint);
    assert.equal(signedBy(new X509Certificate(before.certificate), after.trusted), true);
    assert.equal(signedBy(new X509Certificate((await after.issue(asked)).certificate), ca.trusted), false);
    assert.equal(certificatesIn(after.bundle).length, 2);
  });

  it('names both times where a clock is wrong by hours, and nothing where it is by minutes', async () => {
    const { fromMs, toMs } = await ca.issue(asked);
    assert.equal(validityFault({ fromMs, toMs }, NOW - 10 * 60_000), undefined);
    const why = validityFault({ fromMs, toMs }, NOW - 2 * HOUR) ?? '';
    assert.ok(why.includes(new Date(fromMs).toISOString()) && why.includes(new Date(NOW - 2 * HOUR).toISOString()), why);
  });

  it('refuses what cannot be in a certificate', async () => {
    const bad = [
      { commonName: '' },
      { commonName: 'x'.repeat(65) },
      ...['a\nOU=scheduler', 'a,OU=scheduler', 'a+OU=scheduler', '"ada"', 'Zoë', ' x', '-x', 'a\\b'].map((commonName) => ({ commonName })),
      { ttlMs: 0 },
      { ttlMs: Number.NaN },
      { publicKey: 'no key' },
    ];
    for (const one of bad) await assert.rejects(ca.issue({ ...asked, ...one }), (error) => isKind(error, 'invalid'), JSON.stringify(one));
    assert.throws(() => certificatesIn('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'), /damaged/);
    assert.throws(() => certificatesIn(''), /no certificate/);
  });

  it('the name of a certificate is all of its common name', async () => {
    for (const commonName of ['ada', 'ada@corp.example', 'Host-1_x']) {
      const { certificate } = await ca.issue({ ...asked, commonName, kind: 'client' });
      const identity = identityIn(new X509Certificate(certificate));
      assert.deepEqual([identity?.kind, identity?.name], ['client', commonName]);
    }
  });

  it('is made once by the first leader, where secrets are sealed; a damaged one is not replaced, and costs itself alone', async () => {
    const ledger = new LiteralLedger();
    assert.equal(await authorityOf(ledger, false, now, quietLog), undefined);
    const first = await authorityOf(ledger, true, now, quietLog);
    assert.equal((await authorityOf(ledger, true, now, quietLog))?.fingerprint, first?.fingerprint);
    for (const damaged of [5, {}, { authorities: [] }, { authorities: [{ certificate: 'x', key: 'y' }] }]) {
      ledger.apply([{ kind: 'put', key: keys.ca, value: damaged }]);
      assert.equal(await authorityOf(ledger, true, now, quietLog), undefined);
      assert.deepEqual(ledger.get(keys.ca), damaged);
    }
  });
});
