/** What no client should send to Docker's API, beside wrong fields: queries, headers, addresses, bodies that are no JSON. None is an error of ours. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { SCENE } from '../../support/bad-bodies.ts';
import { BAD_BODIES, BAD_HEADERS, BAD_QUERIES } from '../../support/bad-queries.ts';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';
import { talk } from '../../support/fakes/small-engine.ts';

/** An Engine's own 500, for mistakes that its code does not tell from its own (docs/divergence.md compares them with one). */
const SAYS_500 =
  /^(?:negative tail values|could not parse since|strconv\.|failed to parse value as time|syntax error in pattern|invalid filter: 'type'|filter for '|error while looking up)/;

describe('a request that nobody should send', () => {
  let small: FakeEndpoint;
  before(async () => {
    small = await startFakeEndpoint(2);
    const json = { 'Content-Type': 'application/json' };
    const make = (path: string, body: unknown) => fetch(small.url + path, { method: 'POST', body: JSON.stringify(body), headers: json });
    for (const [path, body] of SCENE) assert.ok((await make(path, body)).ok, path);
  });
  after(() => small?.[Symbol.asyncDispose]());

  const ask = async (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}) => {
    // who has left a swarm sees none by that connection: it is not kept for the next request
    const own = path.startsWith('/swarm/leave') ? { Connection: 'close' } : {};
    const answer = await fetch(small.url + path, { method, headers: { ...headers, ...own }, ...(body === undefined ? {} : { body }) });
    // events go on until their client leaves
    const isEndless = path.startsWith('/events') && answer.status === 200;
    if (isEndless) await answer.body?.cancel();
    const text = isEndless ? '' : await answer.text();
    return { status: answer.status, text, message: text.startsWith('{"message"') ? (JSON.parse(text) as { message: string }).message : '' };
  };
  const unexpectedOf = ({ status, text, message }: { status: number; text: string; message: string }): string | undefined => {
    if (status === 501 || (status === 503 && /swarm/.test(message))) return undefined;
    if (status >= 500 && !SAYS_500.test(message)) return `${status} ${text.slice(0, 200)}`;
    return status >= 400 && message === '' ? `${status} without a message: ${text.slice(0, 100)}` : undefined;
  };

  it('with a wrong value in its query is answered; what cannot be read there is 400', async () => {
    const problems: string[] = [];
    for (const { method, path, label, isBroken } of BAD_QUERIES) {
      const answer = await ask(method, path);
      const problem = isBroken
        ? answer.status === 400 && (method === 'HEAD' || /^invalid (?:URL escape|semicolon)/.test(answer.message))
          ? undefined
          : `${answer.status} ${answer.text}`
        : method === 'HEAD'
          ? undefined
          : unexpectedOf(answer);
      if (problem !== undefined) problems.push(`${label}: ${problem}`);
      if (path.startsWith('/swarm/leave')) await ask('POST', '/swarm/init', '{}', { 'Content-Type': 'application/json' });
    }
    assert.deepEqual(problems, []);
    assert.deepEqual(small.unexpected, []);
  });

  it('is told what is wrong with its body before what it is about is looked for; what an Engine falls over never gets to one', async () => {
    const post = async (path: string, body: string) => {
      const { status, message } = await ask('POST', path, body, { 'Content-Type': 'application/json' });
      return `${status} ${message}`;
    };
    const asked = () => small.cluster.agents.flatMap(({ engine }) => engine.asked).filter((line) => /update$|auth$/.test(line));
    const before = asked();
    assert.match(
      await post('/containers/nobody/update', '{"Memory":"x"}'),
      /^400 invalid JSON: json: cannot unmarshal string into Go struct/,
    );
    assert.match(await post('/containers/nobody/update', '{}'), /^404 No such container: nobody/);
    assert.match(await post('/containers/web/update', '{"Ulimits":[null]}'), /^400 .*null is no element/);
    assert.match(await post('/auth', 'null'), /^400 null is no credentials/);
    assert.deepEqual(asked(), before);
    assert.equal(await post('/auth', '{"username":"a"}'), '200 ');
    assert.equal(asked().length, before.length + 1);
  });

  it('with a broken escape in its path is 400 with a message, on every route, at the leader', async () => {
    for (const { method, path } of ROUTES) {
      if (!path.includes('{')) continue;
      const broken = path.replaceAll(/\{\w+\*?\}/g, '%zz');
      const answer = await talk(small.port, `${method} ${broken} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400 /, `${method} ${broken}`);
      if (method !== 'HEAD') assert.match(answer, /\{"message":"malformed escape/, `${method} ${broken}`);
    }
    assert.deepEqual(small.unexpected, []);
  });

  it('with a body that is no JSON object is 400 with a message, where one is read', async () => {
    const READERS = [
      '/containers/create',
      '/networks/create',
      '/networks/net/connect',
      '/networks/net/disconnect',
      '/volumes/create',
      '/services/create',
      '/services/kept/update?version=1',
      '/secrets/create',
      '/configs/create',
      '/nodes/h1/update?version=1',
      '/swarm/update?version=1',
    ];
    const problems: string[] = [];
    for (const path of READERS) {
      for (const [label, body, type] of BAD_BODIES) {
        const { status, text, message } = await ask('POST', path, body, { 'Content-Type': type });
        if (status !== 400 || message === '') problems.push(`${path} ${label}: ${status} ${text.slice(0, 200)}`);
      }
    }
    assert.deepEqual(problems, []);
    assert.deepEqual(small.unexpected, []);
  });

  it('with credentials that cannot be read is answered as if there were none', async () => {
    const spec = { TaskTemplate: { ContainerSpec: { Image: 'busybox' } }, Mode: { Replicated: { Replicas: 0 } } };
    for (const [i, header] of BAD_HEADERS.entries()) {
      const headers = { 'Content-Type': 'application/json', ...header };
      const made = await ask('POST', '/services/create', JSON.stringify({ ...spec, Name: `with-${i}` }), headers);
      assert.equal(made.status, 201, `${JSON.stringify(header).slice(0, 80)}: ${made.text}`);
    }
    assert.deepEqual(small.unexpected, []);
  });
});
