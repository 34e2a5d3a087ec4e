/** One request id and one trace from the client's call to the Engine. A whole scheduler, a host of plain data, a collector in this process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { until } from '../../support/cluster/cluster.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { JOIN_TOKEN, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

/** As OTLP/HTTP has it in JSON (opentelemetry-proto, trace.proto). */
interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}
interface Sent {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[] }[];
}

const ID = 'a-request-id-of-the-client';
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a create', () => {
  it('has one id in every log and at the Engine, and one trace with its stages, sent to a collector when told', async () => {
    const spans: SentSpan[] = [];
    const collector = createServer((request, response) => {
      void json(request).then((body) => {
        spans.push(...(body as Sent).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans)));
        response.end('{}');
      });
    });
    await once(collector.listen(0, '127.0.0.1'), 'listening');
    const dir = await mkdtemp(join(tmpdir(), 'arpanet-traces-'));
    try {
      const tracesTo = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
      const logged: { readonly details: Readonly<Record<string, unknown>>; readonly text: string }[] = [];
      await using agent = await startFakeAgent({ name: 'h1', token: JOIN_TOKEN, address: '10.0.0.1' });
      agent.engine.images.push(image('busybox:latest', `sha256:${'b'.repeat(64)}`));
      let asked: Readonly<Record<string, unknown>> = {};
      agent.engine.afterCreate = async (_name, request) => void (asked = request.headers);
      {
        await using scheduler = await startSmallScheduler(
          's1',
          { kind: 'embedded', dir },
          { tracesTo },
          {},
          (details, text) => void logged.push({ details, text }),
        );
        await scheduler.ready();
        await agent.dial(scheduler.url);
        await until('the host is alive', async () => (await operator<{ state: string }[]>(scheduler, 'hosts'))[0]?.state === 'alive');
        const answer = await fetch(`${scheduler.url}/containers/create?name=web`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'Arpanet-Request-Id': ID, traceparent: PARENT },
          body: JSON.stringify({ Image: 'busybox' }),
        });
        assert.deepEqual([answer.status, answer.headers.get('arpanet-request-id')], [201, ID]);
        await scheduler.call('GET', '/containers/json');
      }
      assert.equal(asked['arpanet-request-id'], ID, 'the Engine is told it');
      assert.ok(agent.requestIds.includes(ID), 'the agent is told it');
      const ofIt = logged.filter(({ details }) => details['requestId'] === ID).map(({ text }) => text);
      for (const text of ['asked an Engine', 'container created', 'a request']) assert.ok(ofIt.includes(text), `${text}: ${ofIt.join()}`);

      const [root] = spans.filter(({ name }) => name === 'POST /containers/create');
      assert.ok(root !== undefined, spans.map(({ name }) => name).join());
      assert.deepEqual([root.traceId, root.parentSpanId], PARENT.split('-').slice(1, 3), 'it continues what the client has begun');
      assert.equal(root.attributes.find(({ key }) => key === 'arpanet.request_id')?.value.stringValue, ID);
      const below = spans.filter(({ traceId, parentSpanId }) => traceId === root.traceId && parentSpanId === root.spanId);
      for (const name of [
        'create claim',
        'create prepare',
        'create engine',
        'create record',
        'engine POST /containers/create',
        'agent sync',
      ])
        assert.ok(
          below.some((one) => one.name === name),
          `${name}: ${below.map((one) => one.name).join()}`,
        );
      const engine = below.find(({ name }) => name === 'engine POST /containers/create');
      assert.equal(asked['traceparent'], `00-${root.traceId}-${engine?.spanId}-01`, 'an Engine can continue it');
      for (const { name, startTimeUnixNano, endTimeUnixNano } of below)
        assert.ok(BigInt(startTimeUnixNano) <= BigInt(endTimeUnixNano), name);
      assert.deepEqual(
        spans.filter(({ name }) => name.startsWith('GET')),
        [],
        'reads have none',
      );
    } finally {
      collector.close();
      await rm(dir, { recursive: true });
    }
  });
});
