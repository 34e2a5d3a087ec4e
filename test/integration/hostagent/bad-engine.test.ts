/** An agent that starts on an Engine that cannot describe some of what it has: those alone are left out, and status names them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startAgent } from '../../../src/hostagent/index.ts';
import { until as untilWithin } from '../../support/cluster/cluster.ts';
import { quietLog } from '../../support/cluster/lab.ts';
import { JOIN_TOKEN, type SmallScheduler, startSmallScheduler } from '../../support/fakes/small-scheduler.ts';

const until = (what: string, check: () => unknown) => untilWithin(what, check);
const dns = {
  listen: async () => undefined,
  unlisten: async () => undefined,
  table: () => undefined,
  change: () => undefined,
  confirm: () => undefined,
  stats: () => ({ queries: 0, nxdomain: 0, malformed: 0, instances: 0 }),
};
const listed = (Id: string) => ({
  Id,
  Names: [`/${Id}`],
  Image: 'x',
  ImageID: 'y',
  Created: 1,
  State: 'running',
  Status: 'Up',
  Labels: {},
});
const inspected = (Id: string) => ({
  Id,
  Name: `/${Id}`,
  Created: '2026-01-01T00:00:00Z',
  Image: 'y',
  State: { Status: 'running', Running: true, Paused: false, Restarting: false, Dead: false, ExitCode: 0, StartedAt: '', FinishedAt: '' },
  Config: {},
  HostConfig: {},
  NetworkSettings: { Networks: {} },
});
/** By path without version; a request for anything else that ends in `/json` closes the connection, as a handler of moby that panics does. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  '/_ping': 'OK',
  '/version': { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux', Arch: 'amd64' },
  '/info': { ID: 'engine', NCPU: 2, MemTotal: 4e9, OSType: 'linux', Architecture: 'x86_64' },
  '/containers/json': [null, 5, listed('good'), listed('panics'), { Id: 'nameless' }],
  '/containers/good/json': inspected('good'),
  '/containers/nameless/json': { ...inspected('nameless'), State: null },
  '/images/json': [null, { Id: 'sha256:1', RepoTags: ['app:1'], RepoDigests: null, Created: 1, Size: 1 }, { Id: 'odd-image', RepoTags: 5 }],
  '/volumes': { Volumes: [null, { Name: 'data', Driver: 'local' }, { Name: 'odd-volume', Driver: 5 }, { Name: '', Driver: 'local' }] },
  '/networks': [],
};

describe('an agent that starts on an Engine that cannot describe all that it has', { timeout: 600_000 }, () => {
  let scheduler: SmallScheduler;
  let dir: string;
  /** Lists that wait. */
  let held: (() => void)[] | undefined;
  const engine = http.createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/^\/v1\.\d+/, '');
    const answer = ANSWERS[path];
    if (path === '/events') return response.writeHead(200).flushHeaders();
    if (path === '/containers/json' && held !== undefined) return void held.push(() => engine.emit('request', request, response));
    if (answer === undefined) return void request.socket.destroy();
    return void response.setHeader('Api-Version', '1.41').end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'arpanet-bad-engine-'));
    engine.listen(0, '127.0.0.1');
    await once(engine, 'listening');
    scheduler = await startSmallScheduler('s1', { kind: 'embedded', dir: join(dir, 'store') });
    await until('it leads', async () => (await scheduler.call('GET', '/arpanet/v1/token')).status === 200);
  });
  after(async () => {
    await scheduler?.[Symbol.asyncDispose]();
    engine.closeAllConnections();
    engine.close();
    await rm(dir, { recursive: true, force: true });
  });

  const get = async (path: string) => JSON.stringify((await scheduler.call('GET', path)).body);

  async function start() {
    const options = {
      name: 'h1',
      address: '127.0.0.1',
      listen: '127.0.0.1:0',
      join: [scheduler.url],
      token: JOIN_TOKEN,
      engine: `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`,
      labels: {},
      overlay: 'none' as const,
      dataDir: join(dir, 'agent'),
      version: 'test',
    };
    return startAgent(options, { log: quietLog, dns, setLogLevel: () => undefined }, new AbortController().signal);
  }

  it('reports the others, at each of its starts, and status names what is left out', async () => {
    for (const run of ['the first start', 'the next start']) {
      const agent = await start();
      await until(`${run}: the good container is listed`, async () => (await get('/v1.41/containers/json')).includes('"/good"'));
      assert.doesNotMatch(await get('/v1.41/containers/json?all=1'), /panics|nameless/);
      assert.match(await get('/v1.41/images/json'), /app:1/);
      assert.match(await get('/v1.41/volumes'), /"data"/);
      const named = [
        'container panics cannot be read',
        'container nameless cannot be read',
        'the image odd-image',
        'the volume odd-volume',
      ];
      await until(`${run}: status names them`, async () => {
        const status = await get('/arpanet/v1/status');
        return named.every((text) => status.includes(text)) ? true : Promise.reject(new Error(status));
      });
      await agent[Symbol.asyncDispose]();
    }
  });

  it('is joining, and not down, while it has not read its Engine yet', async () => {
    held = [];
    await using agent = await start();
    assert.ok(agent);
    const host = async () => ((await scheduler.call('GET', '/arpanet/v1/hosts')).body as { state: string; cpuLoad?: number }[])[0];
    // what it opened with has been read when a heartbeat has
    await until('its heartbeat has come', async () => (await host())?.state === 'joining' && (await host())?.cpuLoad !== undefined);
    const release = held;
    held = undefined;
    for (const answer of release) answer();
    await until('it is alive', async () => (await host())?.state === 'alive');
  });
});
