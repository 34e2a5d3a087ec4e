/** The rotation of the cluster's CA: who trusts whom at each moment of it, and what ends it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { describe, it } from 'node:test';
import { dialTls } from '../../../src/engine/index.ts';
import { type CaRecord, keys } from '../../../src/model/index.ts';
import { createCaRotation } from '../../../src/processes/identity/ca-rotation.ts';
import { authorityOf } from '../../../src/processes/identity/cluster-ca.ts';
import { createMembership } from '../../../src/processes/identity/membership.ts';
import { createPeople } from '../../../src/processes/people/people.ts';
import {
  certificatesIn,
  type Credentials,
  dialOptions,
  newAuthority,
  newKeyPair,
  openAuthority,
  type Peer,
  peerOf,
  SCHEDULER_NAME,
  withNewAuthority,
  withoutOldAuthorities,
} from '../../../src/security/index.ts';
import { credentialsFrom } from '../../support/certificates.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

/** Whom each end takes the other for; an error's code where they do not speak. */
async function meet(client: Credentials, server: Credentials): Promise<string> {
  const { certificate: cert, privateKey: key, bundle: ca } = server;
  const listener = tls.createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  const named = (peer: Peer | undefined): string => (peer === undefined ? 'nobody' : `${peer.kind} ${peer.name}`);
  let met: string | undefined;
  listener.on('secureConnection', (socket: TLSSocket) => {
    met = named(peerOf(socket, certificatesIn(ca)));
    socket.on('error', () => undefined).end('x');
  });
  listener.on('tlsClientError', () => undefined);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = dialTls('127.0.0.1', (listener.address() as AddressInfo).port, dialOptions(client, SCHEDULER_NAME));
  try {
    await once(socket, 'data');
    return `${named(peerOf(socket as TLSSocket, certificatesIn(client.bundle)))}, ${met}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe("the rotation of the cluster's CA", () => {
  it('everybody speaks with everybody, whether they have heard of it or not; once it is finished the old CA is nobody', async () => {
    const first: CaRecord = { authorities: [await newAuthority(Date.now())] };
    const both = await withNewAuthority(first, Date.now());
    const last = withoutOldAuthorities(both);
    const scheduler = (cas: CaRecord) => credentialsFrom(cas, 'scheduler', 's1', [SCHEDULER_NAME]);
    const host = (cas: CaRecord) => credentialsFrom(cas, 'host', 'db-1');
    const [oldScheduler, newScheduler, oldHost, newHost] = await Promise.all([scheduler(first), scheduler(both), host(first), host(both)]);
    const trustsBoth = { ...oldHost, bundle: newHost.bundle };
    for (const server of [oldScheduler, newScheduler, { ...oldScheduler, bundle: newScheduler.bundle }])
      for (const client of [oldHost, newHost, trustsBoth]) assert.equal(await meet(client, server), 'scheduler s1, host db-1');
    const only = await scheduler(last);
    assert.equal(await meet({ ...newHost, bundle: only.bundle }, only), 'scheduler s1, host db-1');
    assert.equal(await meet(newHost, only), 'scheduler s1, host db-1', 'a host that has not heard of the end');
    assert.equal(await meet({ ...oldHost, bundle: only.bundle }, only), 'scheduler s1, nobody');
    assert.match(await meet(oldHost, only), /UNABLE_TO_|SELF_SIGNED/);
    assert.equal(certificatesIn(only.bundle).length, 1);
    assert.equal(certificatesIn(only.certificate).length, 1, 'nothing of the old one is shown any more');
    await assert.rejects(withNewAuthority(both, Date.now()), { kind: 'conflict', message: /"arpanet ca finish" ends its rotation/ });
  });

  it('a certificate that the old CA signs while another takes its place is noted as of the old one, and keeps the rotation from its end', async () => {
    const ledger = new LiteralLedger();
    const ca = await authorityOf(ledger, true, Date.now, quietLog);
    assert.ok(ca);
    /** Signs, and answers when another CA signs already. */
    const late = Object.assign(Object.create(ca) as typeof ca, {
      async issue(asked: Parameters<typeof ca.issue>[0]) {
        const issued = await ca.issue(asked);
        await ca.rotate();
        return issued;
      },
    });
    const { publicKey } = newKeyPair();
    const known = { isToken: () => true, isConnected: () => false };
    const joining = { name: 'db-1', publicKey, token: 'secret', clockMs: Date.now() };
    const old = ca.fingerprint;
    await createMembership(ledger, late, Date.now, quietLog).join(joining, undefined, known);
    assert.equal(ledger.get<{ readonly ca: string }>(keys.certificate('db-1'))?.ca, old);
    const rotation = createCaRotation({
      ledger,
      ca,
      now: Date.now,
      spread: async () => undefined,
      disconnect: () => undefined,
      log: quietLog,
    });
    assert.deepEqual(rotation.report().hosts, ['db-1']);
    await assert.rejects(rotation.finish(false), { kind: 'conflict', message: /hosts .*db-1/ });
    await rotation.finish(true);
    await createPeople({ ledger, ca: late, now: Date.now, isHere: () => true }).add({ name: 'ada', role: 'admin', publicKey });
    assert.deepEqual(rotation.report().users, ['ada']);
  });

  it('does not end while hosts or users need the old one, unless it is forced: then they are out', async () => {
    const ledger = new LiteralLedger();
    const ca = await authorityOf(ledger, true, Date.now, quietLog);
    assert.ok(ca);
    const membership = createMembership(ledger, ca, Date.now, quietLog);
    const people = createPeople({ ledger, ca, now: Date.now, isHere: () => true });
    const cut: string[] = [];
    let spread = 0;
    const rotation = createCaRotation({
      ledger,
      ca,
      now: Date.now,
      spread: async () => void spread++,
      disconnect: (name) => void cut.push(name),
      log: quietLog,
    });
    const known = { isToken: () => true, isConnected: () => false };
    const join = async (name: string) => {
      const { publicKey } = newKeyPair();
      return await membership.join({ name, publicKey, token: 'secret', clockMs: Date.now() }, undefined, known);
    };
    for (const name of ['db-1', 'db-2']) await join(name);
    const { publicKey } = newKeyPair();
    for (const name of ['ada', 'bob']) await people.add({ name, role: 'admin', publicKey });
    const before = ca.fingerprint;
    await assert.rejects(rotation.finish(false), { kind: 'conflict', message: /there is no rotation to finish/ });

    const { authorities, hosts, users } = await rotation.rotate();
    assert.notEqual(ca.fingerprint, before);
    assert.deepEqual(
      [authorities.map(({ signs }) => signs), hosts, users],
      [
        [true, false],
        ['db-1', 'db-2'],
        ['ada', 'bob'],
      ],
    );
    await assert.rejects(rotation.rotate(), { kind: 'conflict', message: /is trusted still/ });
    assert.equal(certificatesIn((await join('db-1')).bundle).length, 2);
    await people.renew({ name: 'ada', publicKey });
    await assert.rejects(rotation.finish(false), {
      kind: 'conflict',
      message: /hosts \(they renew by themselves.*\): db-2; users \("arpanet user renew NAME"\): bob\. With --force/,
    });
    const end = await rotation.finish(true);
    assert.deepEqual([end.authorities.length, end.hosts, end.users, cut, spread], [1, [], [], ['db-2'], 2]);
    assert.equal(membership.isCertified('db-1'), true);
    assert.equal(membership.isCertified('db-2'), false, 'it joins again by the token');
    const client = { user: 'bob', kind: 'client', fingerprint: 'x', issuer: before, from: '', serial: '1' };
    assert.throws(() => people.identify(client), /does not count any more/);
    // the next leader goes on with it
    const next = await authorityOf(ledger, true, Date.now, quietLog);
    assert.deepEqual([next?.fingerprint, next?.trusted.length], [ca.fingerprint, 1]);
    assert.equal(openAuthority(ledger.get(keys.ca) as CaRecord, Date.now).fingerprint, ca.fingerprint);
  });
});
