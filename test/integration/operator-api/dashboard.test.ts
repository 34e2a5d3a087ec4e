/** The dashboard as a browser is served it: its files, the one stream that it lives by, what it asks before it acts. A whole scheduler; hosts of plain data. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { until } from '../../support/cluster/cluster.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

interface RowsMessage {
  readonly whole: boolean;
  readonly set: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly gone: readonly string[];
}

describe('the dashboard', () => {
  let dir: string;
  let scheduler: SmallScheduler;
  const agents: FakeAgent[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-dashboard-'));
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir });
    await scheduler.ready();
    for (const [at, name] of ['h1', 'h2'].entries()) {
      const agent = await startFakeAgent({ name, token: JOIN_TOKEN, address: `10.0.0.${at + 1}` });
      agent.engine.images.push(image('busybox:latest', `sha256:${'b'.repeat(64)}`));
      agents.push(agent);
      await agent.dial(scheduler.url);
    }
    await until('both hosts are alive', async () => {
      const hosts = await operator<{ state: string }[]>(scheduler, 'hosts');
      return hosts.filter(({ state }) => state === 'alive').length === 2;
    });
    const labels = { 'com.docker.compose.project': 'abc', 'com.docker.compose.service': 'web', 'com.docker.compose.container-number': '1' };
    const made = await scheduler.call('POST', '/containers/create?name=abc-web-1', { Image: 'busybox', Labels: labels });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    await scheduler.call('POST', '/containers/abc-web-1/start');
  });
  after(async () => {
    await scheduler?.[Symbol.asyncDispose]();
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
    await rm(dir, { recursive: true });
  });

  const get = (path: string, headers: Readonly<Record<string, string>> = {}) => fetch(scheduler.url + path, { headers });

  /** Messages of the stream as they come; `name` is the event's. */
  async function* watch(signal: AbortSignal): AsyncGenerator<{ readonly name: string; readonly data: string }> {
    const answer = await fetch(`${scheduler.url}/arpanet/v1/watch`, { signal });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    assert.equal(answer.headers.get('x-accel-buffering'), 'no');
    let rest = '';
    for await (const chunk of answer.body ?? []) {
      const parts = (rest + new TextDecoder().decode(chunk as Uint8Array)).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
        if (field('data') !== '') yield { name: field('event'), data: field('data') };
      }
    }
  }

  it('is served by the scheduler itself: every address of it is the page, and it asks nothing of anybody else', async () => {
    for (const path of ['/ui', '/ui/', '/ui/hosts/h1', '/ui/services/abc/web?x=1']) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/html/);
      const policy = answer.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*|https?:/);
      assert.equal(answer.headers.get('x-frame-options'), 'DENY');
    }
    const files = ['index.html'];
    let bytes = 0;
    for (const file of files) {
      const text = await (await get(`/ui/${file}`)).text();
      bytes += gzipSync(text).length;
      assert.doesNotMatch(text, /\b(?:src|href|from|import|fetch)\b[ (=]*["'`](?:https?:)?\/\//, `${file} asks another origin`);
      for (const [, name = ''] of text.matchAll(/["'`]\/ui\/([a-z]+\.(?:js|css))["'`]/g)) if (!files.includes(name)) files.push(name);
    }
    assert.ok(files.includes('app.js') && files.includes('worker.js') && files.includes('style.css'), files.join());
    assert.ok(bytes < 150 * 1024, `${bytes} bytes compressed`);
  });

  it('has files that browsers keep, packed, and refuses what is none of them', async () => {
    const first = await get('/ui/app.js', { 'Accept-Encoding': 'gzip' });
    assert.equal(first.headers.get('content-encoding'), 'gzip');
    const etag = first.headers.get('etag') ?? '';
    assert.equal((await get('/ui/app.js', { 'If-None-Match': etag })).status, 304);
    assert.equal((await get('/ui/nothing.js')).status, 404);
    assert.equal((await fetch(`${scheduler.url}/ui`, { method: 'POST' })).status, 405);
  });

  it('refuses pages of other sites: the stream, the page and what acts', async () => {
    const foreign = { Origin: 'http://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    for (const path of ['/ui', '/arpanet/v1/watch', '/arpanet/v1/services/scale?count=abc/web=2'])
      assert.equal((await get(path, foreign)).status, 403, path);
  });

  it('lives by one stream: all rows, then only what has changed, and what happens', async () => {
    const over = new AbortController();
    const seen: RowsMessage[] = [];
    const events: string[] = [];
    const reading = (async () => {
      for await (const { name, data } of watch(over.signal)) {
        if (name === 'rows') seen.push(JSON.parse(data) as RowsMessage);
        else events.push(data);
      }
    })().catch(() => undefined);
    await until('all rows', () => seen.length > 0);
    const [first] = seen;
    assert.equal(first?.whole, true);
    assert.deepEqual(
      Object.keys(first?.set ?? {}).filter((key) => !key.startsWith('network/')),
      ['cluster', 'host/h1', 'host/h2', 'service/abc/web'],
    );
    assert.equal(first?.set['service/abc/web']?.['desired'], 1);
    await scheduler.call('POST', '/arpanet/v1/hosts/h2/update', { availability: 'pause' });
    await until('the host has changed', () => seen.some(({ whole, set }) => !whole && set['host/h2']?.['availability'] === 'pause'));
    const change = seen.find(({ set, whole }) => !whole && set['host/h2'] !== undefined);
    assert.ok(!('host/h1' in (change?.set ?? {})), 'the other host is not sent again');
    const time = Math.floor(Date.now() / 1000);
    const happened = {
      Type: 'container',
      Action: 'oom',
      Actor: { ID: 'f'.repeat(64), Attributes: { name: 'one' } },
      time,
      timeNano: time * 1e9,
    };
    agents[0]?.say({ type: 'event', event: happened });
    await until('what happened', () => events.some((data) => data.startsWith('{"host":"h1"') && data.includes('"oom"')));
    await scheduler.call('POST', '/arpanet/v1/hosts/h2/update', { availability: 'active' });
    await until('it is back', () => seen.some(({ whole, set }) => !whole && set['host/h2']?.['availability'] === 'active'));
    over.abort();
    await reading;
  });

  it('shows before a scale where its instances would go, and changes nothing', async () => {
    const plan = async (count: string) => scheduler.call('GET', `/arpanet/v1/services/scale?count=${encodeURIComponent(count)}`);
    const { body } = await plan('abc/web=3');
    const { from, to, added, removed } = body as { from: number; to: number; added: { name: string; host: string }[]; removed: string[] };
    assert.deepEqual([from, to, removed], [1, 3, []]);
    assert.deepEqual(
      added.map(({ name }) => name),
      ['abc-web-2', 'abc-web-3'],
    );
    assert.ok(added.every(({ host }) => host === 'h1' || host === 'h2'));
    assert.deepEqual(((await plan('abc/web=0')).body as { removed: string[] }).removed, ['abc-web-1']);
    assert.equal((await plan('abc/nothing=1')).status, 404);
    assert.equal((await plan('')).status, 400);
    const services = await operator<{ desired: number }[]>(scheduler, 'services');
    assert.deepEqual(
      services.map(({ desired }) => desired),
      [1],
    );
  });

  it('keeps long work to be looked at again by the id of its request: its lines, its result, who asks for it late', async () => {
    const id = 'scale-of-abc-web-1';
    const scaled = await fetch(`${scheduler.url}/arpanet/v1/services/scale`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Arpanet-Request-Id': id },
      body: JSON.stringify({ counts: ['abc/web=2'] }),
    });
    assert.equal(scaled.headers.get('arpanet-request-id'), id);
    // a client that reads no further, as one that has lost its connection
    await scaled.body?.cancel();
    const follow = await (await get(`/arpanet/v1/operations/${id}?follow=true`)).text();
    const lines = follow
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly progress?: string; readonly result?: unknown });
    assert.ok(lines.length > 1 && lines.slice(0, -1).every(({ progress }) => progress !== undefined), follow);
    assert.ok('result' in (lines.at(-1) ?? {}), follow);
    const one = await operator<{ state: string; what: string; progress: string[]; endedAtMs?: number }>(scheduler, `operations/${id}`);
    assert.deepEqual([one.state, one.what, typeof one.endedAtMs], ['done', 'POST /arpanet/v1/services/scale', 'number']);
    assert.deepEqual(
      one.progress,
      lines.slice(0, -1).map(({ progress }) => progress),
    );
    assert.equal((await get(`/arpanet/v1/operations/${id}?follow=1`)).headers.get('content-type'), 'application/x-ndjson');
    const refused = await scheduler.call('POST', '/arpanet/v1/services/scale', { counts: ['abc/nothing=2'] });
    assert.equal(refused.status, 404);
    const all = await operator<{ id: string }[]>(scheduler, 'operations');
    assert.deepEqual(
      all.map((operation) => operation.id),
      [id],
      'what was refused is no operation',
    );
    assert.equal((await get('/arpanet/v1/operations/nothing')).status, 404);
    await scheduler.call('POST', '/arpanet/v1/services/scale', { counts: ['abc/web=1'] });
  });

  it('gives lists in parts, each with the address of the next, and refuses a change of what somebody else has changed meanwhile', async () => {
    const names: string[] = [];
    let next: string | undefined = '/arpanet/v1/hosts?limit=1&filter=state%3Dalive';
    for (let turn = 0; next !== undefined && turn < 5; turn++) {
      const answer: Response = await get(next);
      names.push(...((await answer.json()) as { name: string }[]).map(({ name }) => name));
      next = /^<(.*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    assert.deepEqual(names, ['h1', 'h2']);
    assert.equal((await get('/arpanet/v1/services?limit=none')).status, 400);
    const refused = await get('/arpanet/v1/doctor?from=abc-web-1');
    assert.deepEqual([refused.status, /give \?from=CONTAINER/.test(await refused.text())], [400, true]);
    const put = (value: string, match: string) =>
      fetch(`${scheduler.url}/arpanet/v1/config/strategy`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json', 'If-Match': match },
        body: JSON.stringify({ value }),
      });
    const read = (await get('/arpanet/v1/config/strategy')).headers.get('etag') ?? '';
    const first = await put('binpack', read);
    assert.equal(first.status, 200);
    assert.equal((await put('random', read)).status, 412);
    assert.equal((await put('spread', first.headers.get('etag') ?? '')).status, 200);
    assert.equal((await get('/arpanet/v1/config/nothing')).status, 404);
    const host = await get('/arpanet/v1/hosts/h2');
    const pause = (match: string) =>
      fetch(`${scheduler.url}/arpanet/v1/hosts/h2/update`, {
        method: 'POST',
        headers: { 'If-Match': match },
        body: '{"availability":"pause"}',
      });
    const tag = host.headers.get('etag') ?? '';
    assert.deepEqual([(await pause(tag)).status, (await pause(tag)).status], [200, 412]);
    await scheduler.call('POST', '/arpanet/v1/hosts/h2/activate');
    const service = (await get('/arpanet/v1/services?of=abc/web')).headers.get('etag') ?? '';
    const stop = (match: string) =>
      fetch(`${scheduler.url}/arpanet/v1/services/restart`, {
        method: 'POST',
        headers: { 'If-Match': match },
        body: '{"services":["abc/web"]}',
      });
    assert.deepEqual([(await stop('"another"')).status, /^"[\w-]{27}"$/.test(service)], [412, true]);
  });
});
