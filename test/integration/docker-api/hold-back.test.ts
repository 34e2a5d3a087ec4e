/** Streams and lists of our own, with a reader that stops and a writer that floods: neither may fill the leader's memory or keep it from others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { ContainerView, ServiceView } from '../../../src/model/index.ts';
import { literalContainer } from '../../support/fakes/literal-cluster.ts';
import { startSmall } from '../../support/fakes/small-engine.ts';
import { pingsOf } from '../../support/pings.ts';

const MIB = 1024 * 1024;

const serviceOf = (instances: readonly ContainerView[], more: Partial<ServiceView> = {}): ServiceView => ({
  deployment: 'abc',
  service: 'web',
  record: undefined,
  desired: instances.length,
  template: { name: 'abc-web-1', number: 1, request: { Image: 'web' } },
  instances,
  outdated: [],
  trouble: undefined,
  ...more,
});

const frame = (text: string): Buffer => {
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(text.length, 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** Writes lines until the reader has had `limitBytes`, as fast as it takes them. */
async function flood(res: ServerResponse, limitBytes: number, written: { bytes: number }): Promise<void> {
  const piece = frame(`${'x'.repeat(1_000)}\n`.repeat(60));
  res.writeHead(200);
  for (let own = 0; own < limitBytes && !res.destroyed; own += piece.length) {
    written.bytes += piece.length;
    if (!res.write(piece)) await Promise.race([once(res, 'drain'), once(res, 'close')]);
  }
  res.end();
}

const open = async (url: string): Promise<IncomingMessage> => {
  const request = http.get(url, { agent: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
};

describe('the logs of a service', () => {
  it('wait for a reader that has stopped: no instance is read further than a few pieces, others are answered, and nothing is lost', async () => {
    const LIMIT = 64 * MIB;
    const written = { bytes: 0 };
    const instances = ['1', '2', '3'].map((id) => literalContainer({ id: id.repeat(64), name: `abc-web-${id}` }));
    await using small = await startSmall({
      listener: (_req, res) => void flood(res, LIMIT, written),
      known: { services: { list: () => [serviceOf(instances)] } },
    });
    const pingsAreFast = await pingsOf(small.url);
    const rss = process.memoryUsage().rss;
    const logs = await open(`${small.url}/services/abc_web/logs?stdout=1&follow=1&details=1`);
    // nobody reads; until nothing more is written, pings are answered as ever
    for (let before = -1; before !== written.bytes; ) {
      before = written.bytes;
      await pingsAreFast();
    }
    const grown = process.memoryUsage().rss - rss;
    assert.ok(grown < 150 * MIB, `grew by ${Math.round(grown / MIB)} MiB`);
    assert.ok(written.bytes < LIMIT / 2, `${written.bytes / MIB} MiB were read for nobody`);
    let bytes = 0;
    for await (const chunk of logs) bytes += (chunk as Buffer).length;
    assert.ok(bytes > 3 * LIMIT, `${bytes} bytes of ${written.bytes}`);
  });

  it('let their Engines go when their reader leaves', async () => {
    const written = { bytes: 0 };
    let close = (): void => undefined;
    const closed = new Promise<void>((resolve) => (close = resolve));
    const instances = [literalContainer({ id: '1'.repeat(64), name: 'abc-web-1' })];
    await using small = await startSmall({
      listener: (_req, res) => {
        res.once('close', close);
        void flood(res, Number.POSITIVE_INFINITY, written);
      },
      known: { services: { list: () => [serviceOf(instances)] } },
    });
    const logs = await open(`${small.url}/services/abc_web/logs?stdout=1&follow=1`);
    logs.destroy();
    await closed;
  });

  it('are refused without a stream, as by an Engine', async () => {
    await using small = await startSmall({ known: { services: { list: () => [serviceOf([])] } } });
    for (const query of ['', '?tail=5', '?stdout=1&tail=x'])
      assert.equal((await fetch(`${small.url}/services/abc_web/logs${query}`)).status, 400, query);
  });
});

describe('the tasks of services', () => {
  it('that fit nowhere are listed in a bounded answer, however many they are and however long their spec', async () => {
    const request = { Image: 'web', Labels: { long: 'x'.repeat(60_000) } };
    const view = serviceOf([], { desired: 10_000, template: { name: 'abc-web-1', number: 1, request }, trouble: 'no host fits' });
    await using small = await startSmall({ known: { services: { list: () => [view] } } });
    const answer = await fetch(`${small.url}/tasks`);
    const text = await answer.text();
    assert.equal(answer.status, 200);
    assert.ok(text.length < 8 * MIB, `${text.length / MIB} MiB`);
    const tasks = JSON.parse(text) as readonly { Slot: number; Status: { Err: string } }[];
    assert.ok(tasks.length > 10);
    assert.deepEqual(
      tasks.map(({ Slot }) => Slot),
      tasks.map((_, i) => i + 1),
    );
    assert.equal(tasks[0]?.Status.Err, 'no host fits');
  });

  it('of many long ones are sent only as they are read', async () => {
    const request = { Image: 'web', Labels: { long: 'x'.repeat(60_000) } };
    const instances = Array.from({ length: 2_000 }, (_, i) => literalContainer({ id: String(i).padStart(64, '0'), name: `abc-web-${i}` }));
    const view = serviceOf(instances, { template: { name: 'abc-web-1', number: 1, request } });
    await using small = await startSmall({ known: { services: { list: () => [view] } } });
    const before = process.memoryUsage().rss;
    const answer = await open(`${small.url}/tasks`);
    for (let i = 0; i < 100; i++) assert.equal((await fetch(`${small.url}/_ping`)).status, 200);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 80 * MIB, `grew by ${Math.round(grown / MIB)} MiB for an answer that nobody reads`);
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    assert.ok(bytes > 100 * MIB, `${bytes} bytes`);
  });
});

describe('a service that cannot be shown', () => {
  it('is left out of lists, and its neighbours are there', async () => {
    const bad = { ...serviceOf([]), service: 'bad', template: { name: 'x', number: 1, request: { Env: 5, HostConfig: 7, Labels: 5 } } };
    const odd = { ...serviceOf([]), service: 'odd', record: { status: null } };
    const views = [bad, odd, serviceOf([literalContainer({ id: '1'.repeat(64), name: 'abc-web-1' })])] as unknown as readonly ServiceView[];
    await using small = await startSmall({ known: { services: { list: () => views } } });
    for (const path of ['/services', '/tasks', '/services?filters={"label":["a"]}']) {
      const answer = await fetch(small.url + path);
      assert.equal(answer.status, 200, path);
    }
    const listed = (await (await fetch(`${small.url}/services`)).json()) as readonly { Spec: { Name: string } }[];
    assert.ok(listed.some(({ Spec }) => Spec.Name === 'abc_web'));
    assert.ok(!listed.some(({ Spec }) => Spec.Name === 'abc_odd'));
  });
});
