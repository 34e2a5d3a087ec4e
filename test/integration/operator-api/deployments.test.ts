/** Deployments as a whole: compose files put and taken, dry run, stopped, and continued by the next leader. A whole scheduler; hosts of plain data. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { apiClient } from '../../../src/cli/api-client.ts';
import { operated } from '../../../src/cli/commands/deploy/operated.ts';
import type { DeploymentReport, DeployPlan, Released } from '../../../src/contracts/index.ts';
import { until } from '../../support/cluster/cluster.ts';
import { freePort } from '../../support/cluster/free-ports.ts';
import { operator } from '../../support/cluster/leftovers.ts';
import { type FakeAgent, startFakeAgent } from '../../support/fakes/fake-agent.ts';
import { image } from '../../support/fakes/fake-engine.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const IMAGE = `sha256:${'b'.repeat(64)}`;
const COMPOSE = `services:
  db: {image: busybox}
  web: {image: busybox, scale: 2, depends_on: [db]}
`;
const FILES = { files: { 'compose.yml': COMPOSE } };

describe('deployments as a whole', () => {
  let dir: string;
  let port: number;
  let scheduler: SmallScheduler;
  let agent: FakeAgent;
  const start = async (): Promise<void> => {
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir }, { listen: { host: '127.0.0.1', port } });
    await scheduler.ready();
    await agent.dial(scheduler.url);
    await until('the host is alive', async () => (await operator<{ state: string }[]>(scheduler, 'hosts'))[0]?.state === 'alive');
  };
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-deployments-'));
    port = await freePort();
    agent = await startFakeAgent({ name: 'h1', token: JOIN_TOKEN, address: '10.0.0.1' });
    agent.engine.images.push(image('busybox:latest', IMAGE));
    agent.engine.answers.set('GET /images/busybox/json', { Id: IMAGE });
    await start();
  });
  afterEach(() => {
    agent.engine.beforeCreate = async () => undefined;
  });
  after(async () => {
    await scheduler?.[Symbol.asyncDispose]();
    await agent?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
  });

  const client = () => apiClient({ endpoint: scheduler.url.replace('http', 'tcp') }, {});
  const quiet = (): void => undefined;
  const put = (name: string, body: unknown = FILES, say: (line: string) => void = quiet, signal = new AbortController().signal) =>
    operated(client().v1, 'putDeploymentsOne', { name, body: body as typeof FILES }, say, signal);
  const release = (name: string, how: { readonly volumes?: boolean } = {}): Promise<Released> =>
    operated(client().v1, 'deleteDeploymentsOne', { name, ...how }, quiet, new AbortController().signal);
  const call = (method: string, path: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${scheduler.url}/arpanet/v1/deployments/${path}`, { method, body, headers });
  const reported = (name: string) => operator<DeploymentReport>(scheduler, `deployments/${name}`);
  const names = () => [...agent.engine.containers.values()].map(({ name }) => name).sort();

  it('are what a compose file says, sent as it is; a dry run says so before and changes nothing; the same again changes nothing', async () => {
    const yaml = { 'Content-Type': 'application/yaml' };
    const plan = (await (await call('PUT', 'abc?dry-run=true', COMPOSE, yaml)).json()) as DeployPlan;
    assert.deepEqual(
      plan.steps.map(({ container, action }) => `${action} ${container}`),
      ['create abc-db-1', 'create abc-web-1', 'create abc-web-2'],
    );
    assert.deepEqual([plan.creates, names()], [[{ kind: 'network', name: 'abc_default' }], []]);
    assert.equal((await call('GET', 'abc', undefined as never)).status, 404);
    const answer = await call('PUT', 'abc', COMPOSE, { ...yaml, 'Arpanet-Request-Id': 'put-abc-for-the-first-time' });
    assert.match(await answer.text(), /"abc-db-1: created".*\n(?:.*\n)*\{"result":\{"project":"abc"/);
    assert.deepEqual(names(), ['abc-db-1', 'abc-web-1', 'abc-web-2']);
    const { state, operation, files } = await reported('abc');
    assert.deepEqual({ state, operation, files }, { state: 'applied', operation: 'put-abc-for-the-first-time', files: ['compose.yml'] });
    const ids = [...agent.engine.containers.keys()];
    const lines: string[] = [];
    await put('abc', FILES, (line) => void lines.push(line));
    assert.deepEqual([lines.filter((line) => line.endsWith('unchanged')).length, [...agent.engine.containers.keys()]], [3, ids]);
  });

  it('are refused with file and line, by what somebody else has changed meanwhile, and for a name that is none; nothing is begun', async () => {
    const bad = await call(
      'PUT',
      'bad',
      JSON.stringify({ files: { 'a.yml': `${COMPOSE}  odd: {image: a, nonsense: 1}\n`, 'b.yml': 'x' }, compose: ['a.yml'] }),
    );
    assert.deepEqual(
      [bad.status, await bad.json()],
      [400, { message: 'a.yml:4: services.odd.nonsense: unknown key; the nearest is "configs"' }],
    );
    const relative = await call(
      'PUT',
      'bad',
      JSON.stringify({ files: { 'a.yml': 'services:\n  web: {image: busybox, volumes: ["./a:/a"]}\n' } }),
    );
    assert.match(await relative.text(), /a\.yml:2: services\.web: \\"\.\/a\\" is a relative path, and nobody has said what folder/);
    const odd = await call('PUT', 'No%20Name', JSON.stringify(FILES));
    assert.deepEqual([odd.status, /is no name of a deployment/.test(await odd.text())], [400, true]);
    const seen = (await call('GET', 'abc', undefined as never)).headers.get('etag') ?? '';
    await put('abc', { ...FILES, removeOrphans: true });
    for (const method of ['PUT', 'DELETE'])
      assert.equal(
        (await call(method, 'abc', method === 'PUT' ? JSON.stringify(FILES) : (undefined as never), { 'If-Match': seen })).status,
        412,
      );
    assert.equal((await operator<DeploymentReport[]>(scheduler, 'deployments')).length, 1);
    assert.equal((await call('DELETE', 'nothing', undefined as never)).status, 404);
  });

  it('are asked for by the page as by the command: what is wrong at its line, the plan, the work line by line, and their end', async () => {
    const page = await import('../../../src/operator-api/ui/page/api.ts');
    const asked = globalThis.fetch;
    globalThis.fetch = (path, init) => asked(new URL(path, scheduler.url), init);
    try {
      const body = (more = '') => ({ files: { 'compose.yml': `${COMPOSE}${more}` }, compose: ['compose.yml'] });
      await assert.rejects(page.deployPlan('page', body('  odd: {image: a, nonsense: 1}\n')), {
        message: /^compose\.yml:\d+: services\.odd\.nonsense/,
      });
      assert.equal((await page.deployPlan('page', body())).steps.length, 3);
      const lines: string[] = [];
      assert.equal((await page.deploy('page', body(), (line) => void lines.push(line))).done.length, 3);
      assert.ok(lines.includes('page-web-2: created'), lines.join('\n'));
      assert.equal((await page.release('page', () => undefined)).removed.length, 4);
      assert.equal((await page.identity()).role, 'admin');
      assert.ok((await page.operations()).some(({ what }) => what === 'DELETE /arpanet/v1/deployments/page'));
    } finally {
      globalThis.fetch = asked;
    }
  });

  it('stop at the next step when asked, with a word about what is left; one at a time for each name; the same again does the rest', async () => {
    const asked = new AbortController();
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    agent.engine.beforeCreate = async (name) => {
      if (name !== 'xyz-db-1') return;
      asked.abort();
      await held;
    };
    const lines: string[] = [];
    const work = put('xyz', FILES, (line) => void lines.push(line), asked.signal);
    await until('it is told to stop', async () => asked.signal.aborted);
    const second = await call('PUT', 'xyz', JSON.stringify(FILES));
    assert.equal(second.status, 409);
    assert.match(await second.text(), /xyz is being changed: \\"arpanet operations [\w-]+\\" follows it/);
    await until('the leader was told', () => lines.some((line) => line.startsWith('it was asked to stop')));
    go();
    await assert.rejects(work, /stopped, as was asked: what had begun came to its end/);
    assert.deepEqual(lines.slice(-3), [
      'done: xyz-db-1 created',
      'not done, or not to its end: web (xyz-web-1, xyz-web-2)',
      'the same deploy again goes on from here; with --plan it says what is left',
    ]);
    assert.equal((await reported('xyz')).state, 'stopped');
    await put('xyz');
    assert.equal((await reported('xyz')).state, 'applied');
    assert.deepEqual(
      names().filter((name) => name.startsWith('xyz')),
      ['xyz-db-1', 'xyz-web-1', 'xyz-web-2'],
    );
  });

  it('that fail say what is done and what is not, in their lines and to whoever looks later', async () => {
    agent.engine.beforeCreate = async (name) => {
      if (name.startsWith('low-web')) throw new Error('no space left on device');
    };
    const lines: string[] = [];
    await assert.rejects(
      put('low', FILES, (line) => void lines.push(line)),
      /no space left on device/,
    );
    assert.deepEqual(lines.slice(-3, -1), ['done: low-db-1 created', 'not done, or not to its end: web (low-web-1, low-web-2)']);
    const { state, error, operation } = await reported('low');
    assert.deepEqual([state, /no space left/.test(error ?? '')], ['failed', true]);
    const { progress } = await operator<{ progress: string[] }>(scheduler, `operations/${operation}`);
    assert.deepEqual(progress.slice(-3), lines.slice(-3));
    await release('low');
  });

  it('are taken to their end by the next leader, under the same operation, and the client that waits learns so', async () => {
    let reached = (): void => undefined;
    const atWeb = new Promise<void>((resolve) => (reached = resolve));
    agent.engine.beforeCreate = async (name) => {
      if (!name.startsWith('lost-web')) return;
      reached();
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('the scheduler ends meanwhile');
    };
    const lines: string[] = [];
    const work = put('lost', FILES, (line) => void lines.push(line));
    await atWeb;
    await scheduler[Symbol.asyncDispose]();
    agent.engine.beforeCreate = async () => undefined;
    await start();
    const { done } = await work;
    assert.deepEqual(done.map(({ container }) => container).sort(), ['lost-db-1', 'lost-web-1', 'lost-web-2']);
    assert.ok(lines.includes('another scheduler leads now, and continues it'), lines.join('\n'));
    const { state, operation } = await reported('lost');
    assert.equal(state, 'applied');
    const { what } = await operator<{ what: string }>(scheduler, `operations/${operation}`);
    assert.equal(what, 'PUT /arpanet/v1/deployments/lost');
  });

  it('can be watched, as every list: what there is, what changes, and after a broken connection what was missed', async () => {
    const events = async function* (query: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
      const answer = await fetch(`${scheduler.url}/arpanet/v1/deployments?watch=true${query}`, { headers, signal });
      let rest = '';
      for await (const chunk of answer.body ?? []) {
        const parts = (rest + Buffer.from(chunk as Uint8Array).toString()).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const [, id = ''] = /^id: (.*)$/m.exec(part) ?? [];
          const [, data] = /^data: (.*)$/m.exec(part) ?? [];
          if (data !== undefined)
            yield { id, ...(JSON.parse(data) as { whole: boolean; set: Record<string, DeploymentReport>; gone: string[] }) };
        }
      }
    };
    const next = async (of: AsyncGenerator<Awaited<ReturnType<ReturnType<typeof events>['next']>>['value']>) => (await of.next()).value;
    const first = new AbortController();
    const open = events('&filter=name=seen', {}, first.signal);
    const whole = await next(open);
    assert.deepEqual([whole?.whole, whole?.set, /^\w{8}-0$/.test(whole?.id ?? '')], [true, {}, true]);
    await put('seen');
    const change = await next(open);
    assert.deepEqual([change?.whole, Object.keys(change?.set ?? {})], [false, ['seen']]);
    first.abort();
    await release('seen');
    for (const [query, headers] of [
      ['&filter=name=seen', { 'Last-Event-ID': change?.id ?? '' }],
      [`&filter=name=seen&version=${change?.id}`, {}],
    ] as const) {
      const again = new AbortController();
      const resumed = events(query, headers, again.signal);
      for (;;) {
        const missed = await next(resumed);
        assert.equal(missed?.whole, false);
        if (missed?.gone.includes('seen') === true) break;
      }
      again.abort();
    }
    const other = new AbortController();
    assert.equal((await next(events('&filter=name=seen', { 'Last-Event-ID': 'another1-7' }, other.signal)))?.whole, true);
    other.abort();
    assert.equal((await call('GET', '?watch=true&filter=odd', undefined as never)).status, 400);
  });

  it('are released with all that they have, volumes only where that is asked for', async () => {
    const withMore = `services:\n  web: {image: busybox, volumes: ["data:/data"], secrets: [key]}\nvolumes: {data: {}}\nsecrets: {key: {file: ./key}}\n`;
    const key = { contents: { '/srv/more/key': Buffer.from('sesame').toString('base64') }, folder: '/srv/more' };
    agent.engine.otherwise = ({ route }) => ({ status: /archive$|^DELETE \/volumes\//.test(route) ? 200 : 501, body: { message: route } });
    await put('more', { files: { 'compose.yml': withMore }, compose: ['compose.yml'], ...key });
    const volumes = async () =>
      ((await scheduler.call('GET', '/volumes')).body as { Volumes: { Name: string }[] }).Volumes.map(({ Name }) => Name);
    assert.deepEqual(await volumes(), ['more_data']);
    const { removed } = await release('more');
    assert.deepEqual(removed, ['container more-web-1', 'network more_default', 'secret more_key']);
    assert.deepEqual([names().filter((name) => name.startsWith('more')), await volumes()], [[], ['more_data']]);
    assert.equal((await call('GET', 'more', undefined as never)).status, 404);
    assert.deepEqual((await release('more', { volumes: true })).removed, ['volume more_data']);
    for (const name of ['abc', 'xyz', 'lost']) await release(name);
    assert.deepEqual([names(), await operator<unknown[]>(scheduler, 'deployments')], [[], []]);
    assert.deepEqual(scheduler.errors, []);
  });
});
