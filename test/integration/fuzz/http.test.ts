/** The endpoint and broken clients: whatever they send, the next one is answered, and nothing is an unexpected error. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { operatorApi } from '../../../src/operator-api/api.ts';
import { faultCounts, faultTotal } from '../../../src/telemetry/faults.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { literalObserved } from '../../support/fakes/literal-observed.ts';
import { startSmall } from '../../support/fakes/small-engine.ts';
import { fuzz } from '../../support/fuzz.ts';

const request = (method: string, path: string, body?: unknown, more = ''): Buffer => {
  const text = body === undefined ? '' : JSON.stringify(body);
  const length = body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`;
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: docker\r\n${length}${more}\r\n${text}`);
};
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

const requests = [
  request('GET', '/_ping'),
  request('HEAD', '/_ping'),
  request('GET', '/v1.41/containers/json?all=1&filters={"label":["a=b"],"status":["running"]}'),
  request('GET', '/containers/web/json'),
  request('GET', '/containers/web/logs?stdout=1&tail=5&since=1.5'),
  request('GET', '/events?since=1&until=2&filters={"type":["container"]}'),
  request('GET', '/images/json?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D'),
  request('GET', '/networks?filters={"name":["a"]}'),
  request('POST', '/networks/create', { Name: 'n', IPAM: { Config: [{ Subnet: '10.1.0.0/24' }] } }),
  request('POST', '/containers/create?name=a', { Image: 'i', Env: ['A=1'], HostConfig: { Binds: ['/a:/b'] }, Labels: { a: 'b' } }),
  request('POST', '/containers/web/exec', { Cmd: ['sh'] }),
  request('POST', '/containers/web/attach?stream=1&stdout=1', undefined, UPGRADE),
  request('POST', '/exec/abc/start', { Tty: true }, UPGRADE),
  request('PUT', '/containers/web/archive?path=/', { a: 1 }),
  request('GET', '/arpanet/v1/status'),
  request('POST', '/arpanet/v1/schedulers', { name: 's2', url: 'http://s2' }),
  request('GET', '/arpanet/v1/agent', undefined, 'Connection: Upgrade\r\nUpgrade: arpanet\r\n'),
  Buffer.concat([request('POST', '/build?t=a', undefined, CHUNKED), Buffer.from('5\r\nabcde\r\n0\r\n\r\n')]),
  Buffer.concat([request('GET', '/_ping'), request('GET', '/containers/json'), request('GET', '/version')]),
];

describe('broken clients of the endpoint', () => {
  it('are answered or cut off, cost nobody else anything, and are no unexpected errors', async () => {
    const deps = { ready: async () => undefined, observe: literalObserved, peer: () => undefined, now: Date.now };
    const operator = operatorApi({ ...deps, log: quietLog } as unknown as Parameters<typeof operatorApi>[0]);
    await using small = await startSmall({
      listener: (req, res) => void req.resume().on('end', () => res.end('{}')),
      deps: { operator },
      known: {
        networks: { list: () => [], create: async () => ({ id: 'n' }) },
        images: { tags: () => new Map(), find: () => undefined },
        events: { listen: () => undefined, recent: () => [], shown: () => undefined },
      } as never,
    });
    const before = faultTotal();
    await fuzz(async (chance) => {
      const socket = connect({ host: '127.0.0.1', port: small.port });
      let said = '';
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
      const closed = once(socket, 'close');
      await once(socket, 'connect');
      const input = chance.random() < 0.2 ? chance.pick(requests) : chance.damaged(chance.pick(requests));
      const cut = chance.below(input.length + 1);
      socket.write(input.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(input.subarray(cut));
      if (chance.random() < 0.3) socket.resetAndDestroy();
      else if (chance.random() < 0.5) socket.end();
      setTimeout(() => socket.destroy(), 30).unref();
      await closed;
      assert.doesNotMatch(said, /arpanet failed on this request|internal error/, JSON.stringify(input.toString('latin1')));
      if (chance.seed % 50 === 0) assert.equal((await fetch(`${small.url}/_ping`)).status, 200);
    });
    assert.equal((await fetch(`${small.url}/containers/json`)).status, 200);
    assert.equal(faultTotal() - before, 0, JSON.stringify([...faultCounts()]));
  });
});
