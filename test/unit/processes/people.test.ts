import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { keys, type UserRecord } from '../../../src/model/index.ts';
import { operatorAccess } from '../../../src/operator-api/user-routes.ts';
import { createPeople } from '../../../src/processes/people/people.ts';
import { fingerprintOf, newAuthority, newKeyPair, openAuthority } from '../../../src/security/index.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');

async function world(unreadable: readonly string[] = []) {
  const records = new Map<string, unknown>();
  const listeners: ((key: string) => void)[] = [];
  let nowMs = NOW;
  const ca = openAuthority({ authorities: [await newAuthority(NOW)] }, () => nowMs);
  const ledger = {
    get: <T>(key: string) => records.get(key) as T | undefined,
    list: <T>(prefix: string) => [...records].filter(([key]) => key.startsWith(prefix)) as [string, T][],
    async commit(changes: readonly { readonly kind: string; readonly key: string; readonly value?: unknown }[]) {
      for (const { key, value } of changes) records.set(key, value);
      for (const { key } of changes) for (const listener of listeners) listener(key);
    },
    watch: (_prefix: string, listener: (key: string) => void) => void listeners.push(listener),
    unreadable: () => unreadable.map((key) => ({ key, why: 'is a text', name: undefined })),
  };
  const people = createPeople({ ledger, ca, now: () => nowMs, isHere: () => false });
  const clientOf = (certificate: string | undefined) => {
    const parsed = new X509Certificate(certificate ?? '');
    const user = /CN=(.*)/.exec(parsed.subject)?.[1] ?? '';
    const kind = /OU=(.*)/.exec(parsed.subject)?.[1] ?? '';
    return { user, kind, fingerprint: fingerprintOf(parsed), issuer: ca.fingerprint, from: '10.0.0.9' };
  };
  return { people, records, ca, clientOf, later: (ms: number) => (nowMs += ms) };
}

const { publicKey } = newKeyPair();
const ada = { name: 'ada', role: 'deployer', deployments: ['abc', 'xyz', 'abc'], publicKey };
const own = (user: string) => ({ user, kind: '', fingerprint: 'ff', issuer: 'their own', from: '10.0.0.9' });

describe('people', () => {
  it('are who their certificate says, as long as the store says so', async () => {
    const { people, clientOf } = await world();
    const { certificate, user } = await people.add(ada);
    assert.deepEqual([user.role, user.deployments, user.validUntilMs], ['deployer', ['abc', 'xyz'], NOW + 90 * 86_400_000]);
    assert.deepEqual(people.identify(clientOf(certificate)), { name: 'ada', role: 'deployer', deployments: ['abc', 'xyz'] });
    let changes = 0;
    people.onChange(() => (changes += 1), new AbortController().signal);
    await people.remove('ada');
    assert.equal(changes, 1);
    assert.throws(() => people.identify(clientOf(certificate)), { kind: 'unauthorized', message: /"ada" was removed/ });
    assert.deepEqual(people.list(), []);
    const again = await people.add({ ...ada, role: 'viewer', deployments: [] });
    assert.throws(() => people.identify(clientOf(certificate)), { kind: 'unauthorized', message: /does not count any more/ });
    assert.deepEqual(people.identify(clientOf(again.certificate)), { name: 'ada', role: 'viewer' });
  });

  it('get another certificate, beside which the one before counts until it is over', async () => {
    const { people, clientOf, later } = await world();
    const first = await people.add({ ...ada, ttlMs: 10_000 });
    const second = await people.renew({ name: 'ada', publicKey, ttlMs: 60_000 });
    for (const { certificate } of [first, second]) assert.equal(people.identify(clientOf(certificate))?.name, 'ada');
    later(20_000);
    assert.throws(() => people.identify(clientOf(first.certificate)), /was valid until 2026-11-29T12:00:10/);
    assert.equal(people.identify(clientOf(second.certificate))?.name, 'ada');
  });

  it('are limited as long as one of them is a viewer or a deployer', async () => {
    const { people } = await world();
    assert.equal(people.areLimited(), false);
    await people.add({ name: 'root', role: 'admin' });
    assert.equal(people.areLimited(), false);
    await people.add({ name: 'vera', role: 'viewer' });
    assert.equal(people.areLimited(), true);
    await people.remove('vera');
    assert.equal(people.areLimited(), false);
  });

  it('a certificate of the operator’s own CA is an admin’s, unless its name is a user’s, or was', async () => {
    const { people } = await world([keys.user('eve')]);
    assert.equal(people.identify(own('boss')), undefined);
    await people.add({ name: 'vera', role: 'viewer' });
    assert.deepEqual(people.identify(own('vera')), { name: 'vera', role: 'viewer' });
    await people.remove('vera');
    assert.throws(() => people.identify(own('vera')), { kind: 'unauthorized' });
    assert.throws(() => people.identify(own('eve')), { kind: 'unauthorized' }, 'a record that cannot be read makes nobody an admin');
  });

  it('a certificate of the cluster’s CA is nobody’s whom the store does not know: not a host’s, not a scheduler’s, not a forgotten one', async () => {
    const { people, ca, clientOf } = await world();
    for (const kind of ['host', 'scheduler', 'client'] as const) {
      const { certificate } = await ca.issue({ publicKey, commonName: 'h1', kind, names: [], ttlMs: 60_000 });
      assert.throws(() => people.identify(clientOf(certificate)), { kind: 'unauthorized', message: /knows no user "h1"/ }, kind);
    }
    await people.add({ ...ada, name: 'h1' });
    const { certificate } = await ca.issue({ publicKey, commonName: 'h1', kind: 'host', names: [], ttlMs: 60_000 });
    assert.throws(() => people.identify(clientOf(certificate)), { kind: 'unauthorized' }, 'a host that is called as a user');
    assert.throws(() => people.identify({ ...own('stranger'), issuer: '' }), { kind: 'unauthorized' }, 'an issuer that nobody names');
  });

  it('bad input is refused in words, with the nearest role', async () => {
    const { people, records } = await world();
    const refused: readonly (readonly [object, RegExp])[] = [
      [{ ...ada, role: 'deploier' }, /there is no role "deploier": did you mean deployer\?/],
      [{ ...ada, name: 'a/b' }, /"a\/b" cannot be the name of a user/],
      [{ ...ada, name: '' }, /cannot be the name/],
      [{ ...ada, deployments: [] }, /a deployer has deployments/],
      [{ ...ada, role: 'admin' }, /is of all deployments: leave --deployments out/],
      [{ ...ada, ttlMs: 0 }, /--ttl is more than 0/],
      [{ ...ada, publicKey: 'nonsense' }, /public key/],
    ];
    for (const [request, message] of refused) await assert.rejects(people.add(request), { kind: 'invalid', message });
    assert.equal(records.size, 0);
    await people.add(ada);
    await assert.rejects(people.add(ada), { kind: 'conflict', message: /there is a user "ada" already/ });
    await assert.rejects(people.remove('adda'), { kind: 'not-found', message: /no such user: adda; did you mean ada\?/ });
    await assert.rejects(people.renew({ name: 'nobody', publicKey }), { kind: 'not-found' });
    const kept = records.get(keys.user('ada')) as UserRecord;
    assert.doesNotMatch(JSON.stringify(kept), /PRIVATE/);
  });

  it('what operators may ask of the operator’s API is decided by what it changes and shows', () => {
    const of = (line: string) => operatorAccess(...(line.split(' ') as [string, string]));
    assert.deepEqual(['GET /status', 'GET /hosts/h1', 'GET /services'].map(of), ['read', 'read', 'read']);
    assert.deepEqual(['POST /hosts/h1/drain', 'GET /dial', 'PUT /config/strategy', 'GET /newer'].map(of), ['all', 'all', 'all', 'all']);
    assert.deepEqual(
      ['GET /token', '/', 'POST /users', 'GET //users', 'POST /users/ada/rm', 'POST /schedulers', 'POST /token/rotate'].map((line) =>
        of(line.includes(' ') ? line : 'GET /backup'),
      ),
      Array.from({ length: 7 }, () => 'cluster'),
    );
  });
});
