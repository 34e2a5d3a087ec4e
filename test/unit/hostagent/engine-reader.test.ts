/** An Engine that is not to be trusted, and what an agent reads of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { engineEvents } from '../../../src/engine/index.ts';
import { createEngineReader } from '../../../src/hostagent/inventory/engine-reader.ts';

type Answers = Readonly<Record<string, unknown>>;

/** `hang up` closes the connection, as a handler of moby that panics does. */
async function startEngine(answers: Answers) {
  const server = http.createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const answer = answers[path];
    if (answer === 'hang up') return void request.socket.destroy();
    if (answer === undefined) return void response.writeHead(404).end('{"message":"no such thing"}');
    return void response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    target: { host: '127.0.0.1', port, agent: new http.Agent() },
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const listed = (Id: string) => ({
  Id,
  Names: [`/${Id}`],
  Image: 'x',
  ImageID: 'y',
  Created: 1,
  State: 'running',
  Status: 'Up',
  Labels: null,
});
const inspected = (Id: string) => ({
  Id,
  Name: `/${Id}`,
  Created: '',
  Image: 'y',
  State: { Status: 'running', Running: true, Paused: false, Restarting: false, Dead: false, ExitCode: 0, StartedAt: '', FinishedAt: '' },
  Config: {},
  HostConfig: {},
  NetworkSettings: { Networks: null },
});

describe('an Engine that describes some of its containers wrongly', () => {
  it('costs those alone: the others are read', async () => {
    using engine = await startEngine({
      '/_ping': 'OK',
      '/containers/json': [listed('good'), listed('panics'), listed('odd'), null, { ...listed('nameless'), Names: null }, { Id: 'empty' }],
      '/containers/good/json': inspected('good'),
      '/containers/panics/json': 'hang up',
      '/containers/odd/json': { ...inspected('odd'), State: null },
      '/containers/nameless/json': inspected('nameless'),
      '/containers/empty/json': inspected('empty'),
    });
    const read = await createEngineReader(engine.target, new AbortController().signal).containers();
    assert.deepEqual(
      read.facts.map(({ summary }) => [summary.Id, summary.Names, summary.Labels]),
      [
        ['good', ['/good'], {}],
        ['nameless', ['/nameless'], {}],
      ],
    );
    assert.deepEqual(read.unreadable.map(({ id, name }) => `${id} ${name}`).toSorted(), ['empty ', 'odd odd', 'panics panics']);
    assert.match(read.unreadable.find(({ id }) => id === 'odd')?.reason ?? '', /inspect: State: /);
  });

  it('is unreachable, and has lost nothing, when it does not even answer a ping', async () => {
    using engine = await startEngine({ '/_ping': 'hang up', '/containers/json': [listed('a')], '/containers/a/json': 'hang up' });
    const reader = createEngineReader(engine.target, new AbortController().signal);
    await assert.rejects(reader.containers(), { kind: 'unavailable' });
  });

  it('has lists of entries that can be read, or fails', async () => {
    const image = { Id: 'sha256:1', RepoTags: null, RepoDigests: [], Created: 1, Size: 1 };
    using engine = await startEngine({
      '/images/json': [image, null, {}, { ...image, RepoTags: 'x' }],
      '/volumes': { Volumes: [{ Name: 5 }] },
    });
    const reader = createEngineReader(engine.target, new AbortController().signal);
    assert.deepEqual(await reader.images(), [image]);
    assert.deepEqual(await reader.volumes(), []);
    await assert.rejects(reader.containers(), { kind: 'engine' });
  });
});

describe('an event feed', () => {
  it('skips lines that are no events, and says so', async () => {
    const die = { Type: 'container', Action: 'die', Actor: { ID: 'a', Attributes: {} }, time: 1, timeNano: 1 };
    using engine = await startEngine({ '/events': `null\n5\n{"Type":\n${JSON.stringify(die)}\n${'['.repeat(20_000)}\n` });
    const stop = new AbortController();
    const kinds: string[] = [];
    for await (const item of engineEvents({ target: engine.target, signal: stop.signal })) {
      kinds.push(item.kind);
      if (item.kind === 'lost') stop.abort();
    }
    assert.deepEqual(kinds, ['connected', 'malformed', 'malformed', 'malformed', 'event', 'malformed', 'lost']);
  });
});
