import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { ReplicaIdentity, ReplicaView } from '../../../src/contracts/index.ts';
import { followerFault } from '../../../src/docker-api/replica/accept.ts';
import { createReplicaReads } from '../../../src/docker-api/replica/reads.ts';
import type { Leader } from '../../../src/docker-api/leader.ts';
import { ArpanetError } from '../../../src/model/index.ts';
import type { Client } from '../../../src/security/index.ts';

const ANN: Client = { user: 'ann', kind: 'arpanet user', fingerprint: 'f', issuer: 'i', from: '10.0.0.9' };
const request = (url: string, method = 'GET', headers: Readonly<Record<string, string>> = {}) =>
  ({ url, method, headers }) as unknown as IncomingMessage;
const response = { headersSent: false, destroyed: false } as unknown as ServerResponse;

/** Whether the follower answers it itself. */
async function isHere(
  url: string,
  said: ReplicaIdentity | undefined,
  {
    method = 'GET',
    client,
    fails,
    agent,
  }: { readonly method?: string; readonly client?: Client; readonly fails?: ArpanetError; readonly agent?: string } = {},
): Promise<boolean> {
  const asked: (Client | undefined)[] = [];
  const view = { now: async (one: Client | undefined) => (asked.push(one), said) } as unknown as ReplicaView;
  const leader = {
    answerReady: () => false,
    async answer() {
      if (fails !== undefined) throw fails;
    },
  } as unknown as Leader;
  const reads = createReplicaReads({ replica: () => view, reader: () => leader, client: async () => client });
  const found = await reads.answer(request(url, method, agent === undefined ? {} : { 'user-agent': agent }), response, 'id');
  assert.deepEqual(asked, asked.length === 0 ? [] : [client], 'the leader is asked about the one who asks');
  return found;
}

describe('a follower that has a copy of the view', () => {
  it('answers lists and inspects, and nothing that changes, streams, or asks Engines', async () => {
    for (const url of [
      '/containers/json',
      '/v1.41/containers/web/json',
      '/images/json',
      '/networks',
      '/networks/n',
      '/volumes',
      '/volumes/v',
      '/version',
    ])
      assert.equal(await isHere(url, {}), true, url);
    for (const url of [
      '/info',
      '/system/df',
      '/events',
      '/containers/web/logs',
      '/containers/web/stats',
      '/containers/web/archive?path=/',
      '/images/i/json',
      '/services',
      '/arpanet/v1/status',
      '/nothing',
      '/%',
    ])
      assert.equal(await isHere(url, {}), false, url);
    assert.equal(await isHere('/containers/json', {}, { method: 'HEAD' }), false);
    assert.equal(await isHere('/containers/create', {}, { method: 'POST' }), false);
  });

  it('answers who sees everything; who sees a part, is refused, or sees no environments is answered by the leader', async () => {
    const identity = (role: 'admin' | 'operator' | 'deployer' | 'viewer', deployments?: readonly string[]) => ({
      identity: { name: 'ann', role, ...(deployments && { deployments }) },
    });
    const asks = { client: ANN };
    assert.equal(await isHere('/containers/json', {}, asks), true);
    assert.equal(await isHere('/containers/json', identity('operator'), asks), true);
    assert.equal(await isHere('/containers/json', identity('viewer'), asks), false);
    assert.equal(await isHere('/containers/json', identity('deployer', ['abc']), asks), false);
    assert.equal(await isHere('/containers/json', { isRefused: true }, asks), false);
  });

  it('passes on what an Engine may fetch for somebody: the leader knows whether that is refused', async () => {
    const agent = 'Go-http-client/1.1';
    assert.equal(await isHere('/containers/json', {}, { agent }), false);
    assert.equal(await isHere('/containers/json', {}, { agent, client: ANN }), true, 'with a certificate');
    assert.equal(await isHere('/containers/json', {}, { agent: 'Docker-Client/28.5.2 (linux)' }), true);
  });

  it('asks the leader where the copy cannot be known to be new, and where it has not what is asked for', async () => {
    assert.equal(await isHere('/containers/json', undefined), false);
    assert.equal(await isHere('/containers/web/json', {}, { fails: new ArpanetError('not-leader', 'the leader is to be asked') }), false);
    await assert.rejects(isHere('/containers/web/json', {}, { fails: new ArpanetError('not-found', 'No such container: web') }), {
      kind: 'not-found',
    });
    const none = createReplicaReads({
      replica: () => undefined,
      reader: () => assert.fail('there is no view'),
      client: async () => undefined,
    });
    assert.equal(await none.answer(request('/containers/json'), response, 'id'), false);
  });
});

describe('the view is copied', () => {
  const from = (headers: Readonly<Record<string, string>> = {}) => ({ headers, socket: {} }) as unknown as IncomingMessage;

  it('by the leader alone, to schedulers alone: at an address with TLS not to clients, and not through a follower', () => {
    assert.equal(followerFault(from(), true, false), undefined, 'without TLS all see everything');
    assert.equal(followerFault(from(), true, true)?.kind, 'forbidden', 'a client');
    assert.equal(followerFault(from({ 'arpanet-forwarded': 's2' }), true, false)?.kind, 'forbidden', 'passed on');
    assert.equal(followerFault(from(), false, false)?.kind, 'not-leader');
  });
});
