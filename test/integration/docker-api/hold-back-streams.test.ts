/** Events, statistics and progress with a reader that stops and a writer that floods: others are answered meanwhile, and the memory is bounded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { lines } from '../../../src/engine/index.ts';
import type { ClusterEvent, EngineEvent } from '../../../src/model/index.ts';
import { operatorApi } from '../../../src/operator-api/api.ts';
import { until } from '../../support/fakes/fake-cluster.ts';
import { startSmall } from '../../support/fakes/small-engine.ts';
import { pingsOf } from '../../support/pings.ts';

const MIB = 1024 * 1024;
const LIMIT = 8 * MIB;
const grown = (before: number): number => process.memoryUsage().rss - before;
const eventOf = (n: number, more: Record<string, string> = {}): EngineEvent => ({
  Type: 'container',
  Action: 'start',
  Actor: { ID: 'c'.repeat(64), Attributes: { name: `web-${n}`, ...more } },
  scope: 'local',
  time: 1_000 + n,
  timeNano: (1_000 + n) * 1e9,
});

const open = async (url: string, options: http.RequestOptions = {}, body?: string): Promise<IncomingMessage> => {
  const request = http.request(url, { agent: false, ...options });
  request.on('error', () => undefined).end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return answer;
};

describe('events', () => {
  it('that flood a reader that has stopped are bounded, it is cut off, and pings are answered as ever; one that reads gets all, in order', async () => {
    const listeners = new Set<(event: ClusterEvent) => void>();
    const listen = (listener: (event: ClusterEvent) => void, signal: AbortSignal): void => {
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener));
    };
    await using small = await startSmall({ deps: { eventsBehindBytes: LIMIT }, known: { events: { listen } } });
    const pingsAreFast = await pingsOf(small.url);
    const stopped = await open(`${small.url}/events`);
    const reads = await open(`${small.url}/events`);
    let seen = 0;
    let rest = '';
    reads.setEncoding('utf8').on('data', (text: string) => {
      const whole = (rest + text).split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) assert.equal((JSON.parse(line) as EngineEvent).Actor.Attributes['name'], `web-${seen++}`);
    });
    assert.equal(listeners.size, 2);
    const before = process.memoryUsage().rss;
    const long = 'x'.repeat(4_000);
    const EVENTS = 5_000;
    let sent = 0;
    let pinged = 0;
    while (sent < EVENTS) {
      for (let n = 0; n < 100; n++, sent++) for (const tell of listeners) tell({ host: 'h1', event: eventOf(sent, { long }) });
      await until(() => seen > sent - 1_000, 'the one that reads keeps up', 30_000);
      if (sent % 2_500 === 0) {
        await pingsAreFast();
        pinged += 1;
      }
    }
    assert.equal(pinged, 2);
    assert.ok(grown(before) < 100 * MIB, `grew by ${Math.round(grown(before) / MIB)} MiB`);
    await until(() => listeners.size === 1, 'the one that has stopped is cut off');
    await until(() => seen === EVENTS, 'the one that reads gets all', 30_000);
    reads.destroy();
    stopped.destroy();
  });

  it('of the past, more than may wait, come whole to a slow reader, before those of now; malformed ones are left out', async () => {
    const long = 'x'.repeat(8_000);
    const PAST = 300;
    const past = Array.from({ length: PAST }, (_, n) => JSON.stringify(eventOf(n, { long })));
    let live: ((event: ClusterEvent) => void) | undefined;
    await using small = await startSmall({
      deps: { eventsBehindBytes: MIB / 4 },
      listener: (_req, res) => void res.end(`null\n${past.join('\n')}\n{"Type":5}\n`),
      known: {
        events: {
          listen(listener: (event: ClusterEvent) => void) {
            live = listener;
          },
          recent: () => [],
          shown: (_host: string, event: EngineEvent) => event,
        },
      },
    });
    const answer = await open(`${small.url}/events?since=1`);
    await until(() => live !== undefined, 'it listens');
    // The third was sent late by its agent: it is one of the past, too.
    for (const n of [PAST, PAST + 1, 7, PAST + 2]) live?.({ host: 'h1', event: eventOf(n) });
    const names: (string | undefined)[] = [];
    for await (const line of lines(answer)) {
      names.push((JSON.parse(line) as EngineEvent).Actor.Attributes['name']);
      if (names.at(-1) === `web-${PAST + 2}`) break;
    }
    assert.deepEqual(
      names,
      Array.from({ length: PAST + 3 }, (_, n) => `web-${n}`),
    );
  });
});

describe('the statistics of many containers', () => {
  it('whose readers have stopped are not read from their Engines, and pings are answered as ever', async () => {
    const STREAMS = 40;
    const written = { bytes: 0 };
    const figures = Buffer.from(`${JSON.stringify({ name: '/web', more: 'x'.repeat(2_000) })}\n`.repeat(20));
    const flood = (res: ServerResponse): void => {
      const more = (): void => {
        do written.bytes += figures.length;
        while (res.write(figures));
      };
      res.writeHead(200, { 'Content-Type': 'application/json' }).on('drain', more);
      more();
    };
    await using small = await startSmall({ listener: (_req, res) => flood(res) });
    const pingsAreFast = await pingsOf(small.url);
    const before = process.memoryUsage().rss;
    const streams = await Promise.all(Array.from({ length: STREAMS }, () => open(`${small.url}/containers/web/stats?stream=1`)));
    for (let last = -1; last !== written.bytes; ) {
      last = written.bytes;
      await pingsAreFast();
    }
    assert.ok(grown(before) < 150 * MIB, `grew by ${Math.round(grown(before) / MIB)} MiB for ${STREAMS} readers`);
    for (const stream of streams) stream.destroy();
  });
});

describe('the progress of long work', () => {
  it('that its client does not read is bounded and left out, and the work and its result are not', async () => {
    let isReported = false;
    const scale = async (_counts: readonly string[], progress: (line: string) => void): Promise<object> => {
      for (let n = 0; n < 20_000; n++) {
        progress(`${n} of 20000: ${'x'.repeat(100_000)}`);
        if (n % 100 === 0) await turn();
      }
      isReported = true;
      return { scaled: true };
    };
    const deps = { ready: async () => undefined, now: Date.now, services: () => ({ scale }), log: { error: () => undefined } };
    const operator = operatorApi(deps as unknown as Parameters<typeof operatorApi>[0]);
    await using small = await startSmall({ deps: { operator } });
    const pingsAreFast = await pingsOf(small.url);
    const before = process.memoryUsage().rss;
    const headers = { 'Content-Type': 'application/json' };
    const answer = await open(`${small.url}/arpanet/v1/services/scale`, { method: 'POST', headers }, '{"counts":["a/b=1"]}');
    await pingsAreFast();
    await until(() => isReported, 'the work ends, although nobody reads', 30_000);
    assert.ok(grown(before) < 100 * MIB, `grew by ${Math.round(grown(before) / MIB)} MiB`);
    const said: string[] = [];
    for await (const line of lines(answer)) said.push(line);
    assert.ok(said.length > 5 && said.every((line) => line.length < 20_000), `${said.length} lines`);
    assert.deepEqual(JSON.parse(said.at(-1) ?? ''), { result: { scaled: true } });
  });
});
