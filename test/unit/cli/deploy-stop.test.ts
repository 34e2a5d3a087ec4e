/** A deploy that ends before its end: by Ctrl-C, or because something failed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { operated } from '../../../src/cli/commands/deploy/operated.ts';
import { worked } from '../../../src/deployments/calls.ts';
import { carryOut, type ClusterCalls, type Job, Stopped, unfinished } from '../../../src/deployments/index.ts';
import { ArpanetError } from '../../../src/model/index.ts';

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
    return path.startsWith('/images/') ? { Id: 'sha256:1' } : { Name: '/one', Config: {}, State: { Running: false } };
  };
  return { started, api: { json, v1: { call: async () => [] } } as unknown as ClusterCalls };
}

async function deployed(onCreate: (name: string, stop: () => void) => void | Promise<void>) {
  const said: string[] = [];
  const asked = new AbortController();
  const { api, started } = cluster((name) => onCreate(name, () => asked.abort()));
  const say = (line: string) => void said.push(line);
  const images = { auth: async () => ({}), build: async () => undefined, isBuiltAnew: false };
  const course = { say, signal: asked.signal, images, removeOrphans: false, begun: async () => undefined };
  const error = await carryOut(api, () => Promise.resolve(job), course).then(
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
    const done = { v1: { work: () => Promise.resolve([]) } } as unknown as ClusterCalls;
    assert.deepEqual(await worked(done, 'postServicesRm', { body: { services: [] } }, { say, signal: asked.signal }), []);
    const endless = { v1: { work: () => new Promise(() => undefined) } } as unknown as ClusterCalls;
    const waiting = worked(endless, 'postServicesRm', { body: { services: [] } }, { say, signal: asked.signal });
    asked.abort();
    await assert.rejects(waiting);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /^stopped waiting: the cluster continues the work; "arpanet operations [\w-]{36}" follows it$/);
  });

  /** A cluster whose operation is followed; `answers` are what it says, one after the other. */
  async function operation(first: Error | string, answers: readonly (Error | string)[] = [], stop?: AbortController) {
    const asked: string[] = [];
    const say: string[] = [];
    const take = (one: Error | string | undefined) => (one instanceof Error ? Promise.reject(one) : Promise.resolve(one as never));
    const rest = [...answers];
    const v1 = {
      work: async (name: string) => (asked.push(name), stop?.abort(), await take(first)),
      follow: async (id: string) => (asked.push(`follow ${id.replace(/^[\w-]{36}$/, 'ID')}`), await take(rest.shift())),
      call: async (name: string) => (asked.push(name), await take(undefined)),
    };
    const result = operated(
      v1 as never,
      'putDeploymentsOne',
      { name: 'abc' },
      (line) => void say.push(line),
      (stop ?? new AbortController()).signal,
    );
    const ended: unknown = await result.catch((error: unknown) => (error instanceof Error ? error.message : error));
    return { asked, say, result: ended as string };
  }
  const lost = new ArpanetError('unavailable', 'the connection to the leader ended');
  const refused = (engineStatus: number) => new ArpanetError('engine', `status ${engineStatus}`, { engineStatus });

  it('whose leader is lost is followed under the next one, and is told to have failed where none has begun it', async () => {
    const { asked, say, result } = await operation(lost, [lost, refused(503), 'done']);
    assert.deepEqual([result, say], ['done', ['the connection to the leader is lost: waiting for the next one']]);
    assert.deepEqual(
      asked.slice(1),
      Array.from({ length: 3 }, () => 'follow ID'),
    );
    assert.match((await operation(lost, [refused(404)])).result, /the connection to the leader ended/);
    assert.match((await operation(lost, [new ArpanetError('conflict', 'no room')])).result, /no room/);
    assert.deepEqual((await operation(refused(400))).asked, ['putDeploymentsOne'], 'what is refused is not followed');
  });

  it('is asked to stop by Ctrl-C, and followed to its end', async () => {
    const { asked, result } = await operation('done', [], new AbortController());
    assert.deepEqual([asked, result], [['putDeploymentsOne', 'postOperationsStop'], 'done']);
  });

  it('counts no container that was kept as changed', () => {
    const kept = { service: 'db', steps: [{ service: 'db', container: 'abc-db-1', action: 'keep' as const }] };
    assert.deepEqual(unfinished([kept], [{ container: 'abc-db-1', action: 'keep' }]).slice(0, 1), ['done: no container was changed']);
    assert.equal(unfinished([kept], []).length, 2);
  });
});
