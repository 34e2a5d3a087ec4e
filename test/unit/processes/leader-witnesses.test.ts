import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { keys } from '../../../src/model/index.ts';
import { createWitnesses, testimony } from '../../../src/processes/leader-witnesses.ts';

/** A gateway that says this of epoch 7, to who knows the token. */
async function gateway(t: TestContext, heard: unknown): Promise<string> {
  const server = http.createServer((request, response) => {
    const isAllowed = request.headers.authorization === 'Bearer join-me' && request.url === '/leader';
    response.writeHead(isAllowed ? 200 : 401).end(JSON.stringify(heard));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const storeOf = (...gateways: readonly unknown[]) => ({
  list: async () => gateways.map((value, at) => ({ key: keys.host(`h${at}`), value: { gateway: value }, modifyIndex: 1 })),
  get: async () => ({ key: keys.joinToken, value: 'join-me', modifyIndex: 1 }),
});
const asked = (store: Parameters<typeof createWitnesses>[0], token?: string) =>
  createWitnesses(
    store,
    token,
    () => 0.5,
    60_000,
    () => undefined,
  )(7);

describe('the hosts, asked about a leader that does not answer', () => {
  it('say that it lives if one of them hears from it, and that it is silent if none does', () => {
    assert.deepEqual([testimony([]), testimony([4_000, 300]), testimony([4_000, 2_500])], ['unknown', 'alive', 'silent']);
  });

  it('are found in the store; those that do not answer, speak of another leader, or talk nonsense say nothing', async (t) => {
    const hears = await gateway(t, { epoch: 7, heardMsAgo: 300 });
    const misses = await gateway(t, { epoch: 7, heardMsAgo: 4_000 });
    const older = await gateway(t, { epoch: 6, heardMsAgo: 100 });
    const odd = await gateway(t, { epoch: 7, heardMsAgo: 'never' });
    assert.equal(await asked(storeOf(misses, hears)), 'alive');
    assert.equal(await asked(storeOf(misses, older, odd, '127.0.0.1:9', 17)), 'silent');
    assert.equal(await asked(storeOf(older, odd)), 'unknown');
    assert.equal(await asked(storeOf(misses), 'rotated since'), 'silent', "the store's own token counts");
    const untold = { ...storeOf(misses), get: async () => undefined };
    assert.deepEqual(
      [await asked(untold, 'join-me'), await asked(untold, 'another token'), await asked(untold)],
      ['silent', 'unknown', 'unknown'],
    );
    const broken = { ...storeOf(misses), list: () => Promise.reject(new Error('the store is away')) };
    assert.equal(await asked(broken), 'unknown');
  });
});
