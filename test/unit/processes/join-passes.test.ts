/** Join tokens that end by themselves: whom they join, once, across leaders and joins at the same moment. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type CaRecord, keys, type PassRecord } from '../../../src/model/index.ts';
import { issuePass, passFor, withdrawPass } from '../../../src/processes/identity/join-passes.ts';
import { rotateJoinSecret } from '../../../src/processes/identity/join-secret.ts';
import { createMembership } from '../../../src/processes/identity/membership.ts';
import { newAuthority, newKeyPair, openAuthority } from '../../../src/security/index.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { LiteralLedger } from '../../support/fakes/literal-ledger.ts';

const HOUR_MS = 3_600_000;
const known = { isToken: (token: string) => token === 'join-me', isConnected: () => false };

describe('a join token with an end', () => {
  let ledger: LiteralLedger;
  let nowMs: number;
  let cas: CaRecord;
  const now = (): number => nowMs;
  /** Of a leader that finds what the one before has left in the store. */
  const leader = () => createMembership(ledger, openAuthority(cas, now), now, quietLog);
  const issue = async (isSingleUse: boolean, more: { ttlMs?: number; host?: string } = {}) =>
    (await issuePass(ledger, { isSingleUse, ...more }, nowMs, quietLog)).secret;
  const join = async (name: string, token: string, { publicKey } = newKeyPair(), at = leader()) =>
    await at.join({ name, publicKey, token, clockMs: nowMs }, undefined, known);

  beforeEach(async () => {
    ledger = new LiteralLedger();
    nowMs = Date.now();
    cas = { authorities: [await newAuthority(nowMs)] };
  });

  it('of a single use joins one host, also under the next leader: the refusal says who used it, and when', async () => {
    const token = await issue(true);
    assert.doesNotMatch(JSON.stringify([...ledger.entries]), new RegExp(token), 'the store has its digest alone');
    const at = new Date(nowMs).toISOString();
    await join('db-1', token);
    const message = `this join token was for a single use, and host db-1 used it at ${at}: "arpanet hosts add web-1 --single-use" prints another`;
    await assert.rejects(join('web-1', token), { kind: 'unauthorized', message });
    // the same name with another key is another machine
    await assert.rejects(join('db-1', token), { kind: 'unauthorized', message: /host db-1 used it at/ });
    assert.equal(ledger.get(keys.certificate('web-1')), undefined);
    await join('web-1', 'join-me');
  });

  it('of two that join at the same moment by it one gets in', async () => {
    const token = await issue(true);
    const one = leader();
    const names = ['db-1', 'db-2', 'db-3'];
    const results = await Promise.allSettled(names.map(async (name) => await join(name, token, newKeyPair(), one)));
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected']);
    const inside = names.filter((name) => ledger.get(keys.certificate(name)) !== undefined);
    assert.equal(inside.length, 1);
    for (const result of results)
      if (result.status === 'rejected') assert.match(String(result.reason), new RegExp(`host ${inside[0]} used it at`));
  });

  it('of a single use is not used by a join that fails, nor by one whose transaction does', async () => {
    const token = await issue(true, { host: 'db-1' });
    await assert.rejects(join('db-1', token, { publicKey: 'none', privateKey: '' }), { kind: 'invalid' });
    const commit = ledger.commit.bind(ledger);
    ledger.commit = async () => await Promise.reject(new Error('the store is away'));
    await assert.rejects(join('db-1', token), /the store is away/);
    ledger.commit = commit;
    await join('db-1', token);
  });

  it('lets a host in again whose answer was lost: it asks with the same key', async () => {
    const token = await issue(true, { ttlMs: HOUR_MS });
    const pair = newKeyPair();
    await join('db-1', token, pair);
    nowMs += 2 * HOUR_MS;
    await join('db-1', token, pair);
    await assert.rejects(join('db-2', token, pair), { kind: 'unauthorized', message: /single use/ });
  });

  it('joins any number of hosts until its time is over, and one host alone where it names one', async () => {
    const token = await issue(false, { ttlMs: HOUR_MS });
    for (const name of ['db-1', 'db-2']) await join(name, token);
    nowMs += HOUR_MS + 1;
    await assert.rejects(join('db-3', token), {
      kind: 'unauthorized',
      message: /was valid until 20.*: "arpanet hosts add db-3 --single-use"/,
    });
    const own = await issue(true, { host: 'web-1' });
    await assert.rejects(join('db-3', own), { kind: 'forbidden', message: /is for host web-1, and not for db-3/ });
    await join('web-1', own);
    await assert.rejects(join('db-3', 'wrong'), { kind: 'unauthorized', message: /missing or wrong/ });
  });

  it('that is withdrawn joins nobody, and nothing of it stays; to withdraw it again, or the lasting one, is nothing', async () => {
    const [token, other] = [await issue(false, { host: 'db-1' }), await issue(false, { host: 'db-2' })];
    await withdrawPass(ledger, token);
    await withdrawPass(ledger, token);
    await withdrawPass(ledger, 'join-me');
    assert.equal(ledger.list(keys.passes).length, 1);
    await assert.rejects(join('db-1', token), { kind: 'unauthorized', message: /missing or wrong/ });
    await join('db-2', other);
  });

  it('is judged before the join, too, and a host that has joined by it may run its line again', async () => {
    const token = await issue(true);
    const check = (host: string) => passFor(ledger, token, { host, key: undefined }, nowMs);
    assert.equal(check('db-1')?.isSingleUse, true);
    await join('db-1', token);
    assert.notEqual(check('db-1'), undefined);
    assert.throws(() => check('db-2'), { kind: 'unauthorized', message: /single use/ });
    assert.equal(passFor(ledger, 'join-me', { host: 'db-1', key: undefined }, nowMs), undefined);
  });

  it('that is rotated away while a host joins by it, or by the lasting one, joins nobody: its certificate is not written', async () => {
    let secret = 'join-me';
    const ca = openAuthority(cas, now);
    const rotating: typeof ca = {
      ...ca,
      issue: async (asked) => {
        secret = await rotateJoinSecret(ledger, secret, quietLog);
        return await ca.issue(asked);
      },
    };
    const at = createMembership(ledger, rotating, now, quietLog);
    const tokens = [async () => await issue(true), async () => await issue(false, { host: 'db-1' }), async () => secret];
    for (const make of tokens) {
      const token = await make();
      const request = { name: 'db-1', publicKey: newKeyPair().publicKey, token, clockMs: nowMs };
      const joined = at.join(request, undefined, { ...known, isToken: (shown) => shown === secret });
      await assert.rejects(joined, { kind: 'unauthorized', message: /the join token was rotated while host db-1 joined/ });
      assert.equal(ledger.get(keys.certificate('db-1')), undefined);
    }
  });

  it('is over in the transaction that rotates the secret, however many there are', async () => {
    for (let i = 0; i < 70; i += 1) await issue(true);
    const commits: number[] = [];
    const commit = ledger.commit.bind(ledger);
    ledger.commit = async (changes) => {
      commits.push(changes.length);
      await commit(changes);
      assert.equal(ledger.get(keys.joinToken) === undefined || ledger.list(keys.passes).length === 0, true, 'no token outlives the secret');
    };
    await rotateJoinSecret(ledger, 'join-me', quietLog);
    assert.deepEqual(commits, [32, 32, 8]);
  });

  it('has a time that is one, and a name; those that are over since a month are forgotten, and unused ones with a rotation', async () => {
    for (const ttlMs of [0, -1, NaN, Infinity, 366 * 24 * HOUR_MS])
      await assert.rejects(issue(true, { ttlMs }), {
        kind: 'invalid',
        message: /--ttl of a join token is more than 0, and at most 365 days/,
      });
    await assert.rejects(issue(true, { host: '../x' }), { kind: 'invalid', message: /cannot be the name of a host/ });
    const passes = (): readonly PassRecord[] => ledger.list<PassRecord>(keys.passes).map(([, pass]) => pass);
    assert.deepEqual(passes(), []);
    const used = await issue(true);
    await join('db-1', used);
    const unused = await issue(true);
    await rotateJoinSecret(ledger, 'join-me', quietLog);
    await assert.rejects(join('db-2', unused), { kind: 'unauthorized', message: /missing or wrong/ });
    await assert.rejects(join('db-2', used), { kind: 'unauthorized', message: /single use/ });
    nowMs += 32 * 24 * HOUR_MS;
    await issue(false);
    assert.equal(passes().length, 1);
  });
});
