/** A deploy that ends before its end: by Ctrl-C, or because something failed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiClient } from '../../../src/cli/api-client.ts';
import { deploy } from '../../../src/cli/commands/deploy/deploy.ts';
import type { Job } from '../../../src/cli/commands/deploy/job.ts';
import { runWork } from '../../../src/cli/output/work.ts';
import { Stopped, unfinished } from '../../../src/cli/commands/deploy/unfinished.ts';

const step = (service: string, number: number) => ({
  service,
  container: `abc-${service}-${number}`,
  action: 'create' as const,
  request: { Image: 'busybox' },
});
const wave = (service: string, count: number, after: readonly object[] = []) => ({
  service,
  after,
  count,
  isGlobal: false,
  update: {},
  steps: Array.from({ length: count }, (_, at) => step(service, at + 1)),
});
const job = {
  project: 'abc',
  waves: [wave('db', 1), wave('web', 2)],
  builds: new Map(),
  orphans: [],
  newContents: [],
  variables: {},
  resources: { networks: new Map(), volumes: new Map() },
} as unknown as Job;

/** What the cluster was asked to start, and a reaction to each create by the container's name. */
function cluster(onCreate: (name: string) => void | Promise<void>) {
  const started: string[] = [];
  const json = async (path: string) => {
    const name = /^\/containers\/create\?name=([\w-]+)/.exec(path)?.[1];
    if (name !== undefined) {
      await onCreate(name);
      return { Id: name };
    }
    const start = /^\/containers\/([\w-]+)\/start/.exec(path)?.[1];
    if (start !== undefined) started.push(start);
    if (path === '/arpanet/v1/rehearse') return [];
    return path.startsWith('/images/') ? { Id: 'sha256:1' } : { Name: '/one', Config: {}, State: { Running: false } };
  };
  return { started, api: { json } as unknown as ApiClient };
}

async function deployed(onCreate: (name: string, stop: () => void) => void | Promise<void>) {
  const said: string[] = [];
  const asked = new AbortController();
  const { api, started } = cluster((name) => onCreate(name, () => asked.abort()));
  const out: string[] = [];
  const terminal = { env: {}, out: (text: string) => void out.push(text), say: (line: string) => void said.push(line) };
  const whole = { ...terminal, paced: () => Promise.resolve(true), isTerminal: false, columns: undefined };
  const error = await deploy(api, () => Promise.resolve(job), { tail: 'all' } as object, whole, asked.signal).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { said, started, error };
}

describe('a deploy', () => {
  it('does to its end what it has begun when Ctrl-C comes, begins nothing else, and says what is left', async () => {
    const { said, started, error } = await deployed((name, stop) => {
      if (name === 'abc-db-1') stop();
    });
    assert.ok(error instanceof Stopped);
    assert.deepEqual(started, ['abc-db-1']);
    assert.deepEqual(said.slice(-3), [
      'done: abc-db-1 created',
      'not done, or not to its end: web (abc-web-1, abc-web-2)',
      'the same deploy again goes on from here; with --plan it says what is left',
    ]);
  });

  it('that fails at one instance finishes the others, and says so before the error', async () => {
    const { said, started, error } = await deployed(async (name) => {
      if (name === 'abc-web-1') throw new Error('no room');
      if (name === 'abc-web-2') await new Promise((resolve) => setImmediate(resolve));
    });
    assert.match(String(error), /no room/);
    assert.deepEqual(started, ['abc-db-1', 'abc-web-2']);
    assert.deepEqual(said.slice(-3, -1), ['done: abc-db-1 created, abc-web-2 created', 'not done, or not to its end: web (abc-web-1)']);
  });

  it('that comes to its end says nothing of that', async () => {
    const { said, error } = await deployed(() => undefined);
    assert.equal(error, undefined);
    assert.deepEqual(said, ['abc-db-1: created', 'abc-web-1: created', 'abc-web-2: created']);
  });

  it('says that work goes on where Ctrl-C comes before its end, and not of work that is done', async () => {
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const asked = new AbortController();
    const done = { work: () => Promise.resolve(1) } as unknown as ApiClient;
    assert.equal(await runWork(done, '/x', {}, { say, isQuiet: false, signal: asked.signal }), 1);
    const endless = { work: () => new Promise(() => undefined) } as unknown as ApiClient;
    const waiting = runWork(endless, '/x', {}, { say, isQuiet: false, signal: asked.signal });
    asked.abort();
    await assert.rejects(waiting);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /^stopped waiting: the cluster continues the work; "arpanet operations [\w-]{36}" follows it$/);
  });

  it('counts no container that was kept as changed', () => {
    const kept = { service: 'db', steps: [{ service: 'db', container: 'abc-db-1', action: 'keep' as const }] };
    assert.deepEqual(unfinished([kept], [{ container: 'abc-db-1', action: 'keep' }]).slice(0, 1), ['done: no container was changed']);
    assert.equal(unfinished([kept], []).length, 2);
  });
});
