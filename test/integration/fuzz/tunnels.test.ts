/** The engine gateway and broken clients: whatever they send, the next tunnel works. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { createEngineAgent, engineRequest } from '../../../src/engine/index.ts';
import { openEpoch } from '../../../src/hostagent/gateway/epoch.ts';
import { startGateway } from '../../../src/hostagent/gateway/gateway.ts';
import { faultTotal } from '../../../src/telemetry/faults.ts';
import { fuzz } from '../../support/fuzz.ts';

const token = 'a-join-token';
const log = pino({ level: 'silent' });

describe('broken clients of an engine gateway', () => {
  it('cost nobody else anything', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'arpanet-fuzz-'));
    const engine = http.createServer((request, response) => void request.resume().on('end', () => response.end('pong')));
    engine.on('upgrade', (_request, socket) => socket.on('error', () => undefined).pipe(socket));
    engine.on('clientError', (_error, socket) => socket.destroy());
    engine.listen(0, '127.0.0.1');
    await once(engine, 'listening');
    const enginePort = (engine.address() as AddressInfo).port;
    await using gateway = await startGateway({
      leaderHeard: () => undefined,
      host: '127.0.0.1',
      port: 0,
      token,
      engine: { host: '127.0.0.1', port: enginePort },
      epoch: openEpoch(dir, log),
      log,
      metrics: () => '',
      imageArchive: async () => assert.fail('no image is asked for'),
      imageLayers: async () => assert.fail('no image is asked for'),
      recoveryFacts: () => assert.fail('not asked'),
    });
    t.after(() => {
      engine.closeAllConnections();
      engine.close();
      rmSync(dir, { recursive: true });
    });
    const preamble = (path: string, more = '') =>
      Buffer.from(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tunnel\r\nAuthorization: Bearer ${token}\r\nArpanet-Epoch: 1\r\n${more}\r\n`,
      );
    const inputs = [
      preamble('/engine'),
      Buffer.concat([preamble('/engine'), Buffer.from('GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n')]),
      preamble(`/port/127.0.0.1/${enginePort}`),
      preamble('/port/127.0.0.1/1'),
      preamble('/port/0.0.0.0/0'),
      preamble('/port/:::/99999'),
      preamble('/engine', 'Arpanet-Leader: http://\u0000\r\n'),
      Buffer.from('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'),
    ];
    await fuzz(async (chance) => {
      const socket = connect({ host: '127.0.0.1', port: gateway.port });
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      const input = chance.random() < 0.3 ? chance.pick(inputs) : chance.damaged(chance.pick(inputs));
      const cut = chance.below(input.length + 1);
      socket.write(input.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      socket.write(input.subarray(cut));
      const closed = once(socket, 'close');
      if (chance.random() < 0.5) socket.resetAndDestroy();
      else socket.end();
      setTimeout(() => socket.destroy(), 50).unref();
      await closed;
      if (chance.seed % 50 === 0) await pings();
    });
    await pings();
    assert.equal(faultTotal(), 0);

    async function pings(): Promise<void> {
      const agent = createEngineAgent({ gateway: `127.0.0.1:${gateway.port}`, token, epoch: 281_474_976_710_656, log });
      const fresh = createEngineAgent({ gateway: `127.0.0.1:${gateway.port}`, token, epoch: 1_000_000, log });
      // damaged headers may have raised the epoch: one of the two is not too low
      const answers = await Promise.allSettled(
        [agent, fresh].map((each) => engineRequest({ agent: each }, { method: 'GET', path: '/_ping' })),
      );
      assert.ok(
        answers.some((answer) => answer.status === 'fulfilled' && answer.value.body.toString() === 'pong'),
        JSON.stringify(answers.map((answer) => (answer.status === 'rejected' ? String(answer.reason) : 'ok'))),
      );
      agent.destroy();
      fresh.destroy();
    }
  });
});
