/**
 * Every field of every body of Docker's API, with each kind of wrong value: none is an error of ours, a wrong type is 400 in the Engine's words,
 * and nothing is kept that a later list falls over.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { goStruct } from '../../../src/docker-json/index.ts';
import { type Asker, BAD_FIELD_BODIES, type BadBody, BODILESS, jsonOf, SCENE } from '../../support/bad-bodies.ts';
import { DEEP, type Field, fieldsOf, oddFor, textWith, verdictOf, type Wrong, wrongFor } from '../../support/bad-fields.ts';
import { type FakeEndpoint, startFakeEndpoint } from '../../support/fakes/fake-endpoint.ts';

/** All values in all fields: minutes, by hand. */
const IS_LONG = process.env['ARPANET_ALL_FIELDS'] === '1';

describe('a field of a body', () => {
  let small: FakeEndpoint;
  before(async () => {
    // all values of all fields make more containers in a rest than the default network has addresses
    small = await startFakeEndpoint(2, { restMs: 0 });
  });
  after(() => small?.[Symbol.asyncDispose]());

  const ask = async (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}) => {
    // who has left a swarm sees none by that connection: it is not kept for the next request
    const own = path.startsWith('/swarm/leave') ? { Connection: 'close' } : {};
    const typed = body === undefined ? {} : { 'Content-Type': 'application/json', ...headers };
    const init = { method, headers: { ...typed, ...own }, ...(body === undefined ? {} : { body }) };
    const answer = await fetch(`${small.url}${path}`, init);
    return { status: answer.status, text: await answer.text() };
  };
  const asker: Asker = { ask: (method, path, body) => ask(method, path, body as string | undefined) };

  let isMade = false;
  const makeScene = async (): Promise<void> => {
    if (isMade) return;
    isMade = true;
    for (const [path, body] of SCENE) {
      const { status, text } = await ask('POST', path, JSON.stringify(body));
      assert.ok(status < 300, `${path}: ${status} ${text}`);
    }
  };

  it('belongs to a route that is in this table, or that reads none', () => {
    const known = new Set([...BAD_FIELD_BODIES.map(({ route }) => route), ...BODILESS.keys()]);
    const routes = ROUTES.filter(
      (one) => (one.method === 'POST' || one.method === 'PUT') && one.do !== 'refuse' && !one.path.endsWith('/prune'),
    );
    assert.deepEqual(
      routes.map(({ method, path }) => `${method} ${path}`).filter((route) => !known.has(route)),
      [],
    );
  });

  it('is read under any spelling of its key, on every route', async () => {
    await makeScene();
    const spellings = [(key: string) => key.toLowerCase(), (key: string) => key.toUpperCase()];
    for (const one of BAD_FIELD_BODIES) {
      for (const spell of spellings) {
        const path = (await one.path?.(asker)) ?? one.route.slice(one.route.indexOf(' ') + 1);
        const body = JSON.stringify(one.body).replace(/"(\w+)":/g, (_all, key: string) => `"${spell(key)}":`);
        const { status, text } = await ask('POST', path, body);
        assert.ok(status < 300 || status === one.refusedWith, `${one.route} ${body}: ${status} ${text}`);
        const { Name } = one.body as { readonly Name?: string };
        const list = LISTS[one.route.split('/')[1] ?? '']?.[0];
        if (Name !== undefined && list !== undefined) assert.match((await ask('GET', list)).text, new RegExp(`"Name":"${Name}"`), body);
        await one.undo?.(asker, jsonOf(text));
        await one.settle?.(asker);
      }
    }
    assert.deepEqual(small.unexpected, []);
  });

  /** By the first word of the route that keeps something. */
  const LISTS: Readonly<Record<string, readonly string[]>> = {
    containers: ['/containers/json?all=1'],
    networks: ['/networks', '/networks/net', '/containers/json?all=1'],
    volumes: ['/volumes'],
    services: ['/services?status=1', '/tasks', '/services/kept', '/arpanet/v1/services'],
    secrets: ['/secrets'],
    configs: ['/configs'],
    nodes: ['/nodes'],
    swarm: ['/swarm', '/info'],
  };
  const listProblems = async (paths: readonly string[]): Promise<readonly string[]> => {
    const listed = await Promise.all(paths.map(async (path) => ({ path, ...(await ask('GET', path)) })));
    return listed.flatMap(({ path, status, text }) => (status === 200 ? [] : [`then ${path}: ${status} ${text.slice(0, 200)}`]));
  };

  it('of each kind of wrong value is refused in the Engine’s words, or taken and shown', async (t) => {
    await makeScene();
    const problems: string[] = [];
    let asked = 0;

    /** Whether something may be kept of it. */
    const tryOne = async (one: BadBody, where: string, body: string, problemOf: ProblemOf): Promise<void> => {
      const path = (await one.path?.(asker)) ?? one.route.slice(one.route.indexOf(' ') + 1);
      const { status, text } = await ask('POST', path, body);
      asked += 1;
      const found = [problemOf(status, text)].flatMap((problem) => problem ?? []);
      // while what it made is there
      if (status < 300 && one.isPassedOn !== true) found.push(...(await listProblems(LISTS[one.route.split('/')[1] ?? ''] ?? [])));
      if (status < 300) await one.undo?.(asker, jsonOf(text));
      await one.settle?.(asker);
      problems.push(...found.map((problem) => `${one.route} ${where}: ${problem}: ${status} ${text.slice(0, 200).trim()}`));
    };

    const seen = new Set<string>();
    for (const one of BAD_FIELD_BODIES) {
      // of a struct that another route has, too, the rest
      const isSeen = seen.has(one.struct);
      seen.add(one.struct);
      const started = Date.now();
      const before = asked;
      const fields = fieldsOf(goStruct(one.struct));
      for (const [i, field] of fields.entries()) {
        const [wrong, odd] = [wrongFor(field.type), oddFor(field.type)];
        // a few of all a field, and others for the next: each kind of field meets each of them
        const some = (all: readonly Wrong[], count: number) =>
          IS_LONG ? all : Array.from({ length: count }, (_, n) => all[(i + 3 * n + (isSeen ? 6 : 0)) % all.length]);
        const values = [...some(wrong, isSeen ? 1 : 2), ...some(odd, 1)].flatMap((value) => value ?? []);
        for (const value of values) {
          const where = `${field.path.join('.')} (${field.type.name}) = ${value.name}`;
          await tryOne(one, where, textWith(one.body, field.path, value.text), (status, text) =>
            status === one.refusedWith && verdictOf(field.type, value) === 'taken' ? undefined : ofVerdict(status, text, field, value),
          );
        }
      }
      for (const path of [fields[0]?.path ?? [], fields.at(-1)?.path ?? [], ['unknown']]) {
        const isTooDeep: ProblemOf = (status, text) => (status === 400 && text.includes('exceeded max depth') ? undefined : 'too deep');
        await tryOne(one, `${path.join('.')} = ${DEEP.name}`, textWith(one.body, path, DEEP.text), isTooDeep);
      }
      problems.push(...(await listProblems(Object.values(LISTS).flat())));
      t.diagnostic(`${one.route}: ${asked - before} requests, ${Date.now() - started} ms`);
    }
    t.diagnostic(`${asked} requests`);
    assert.deepEqual(problems.slice(0, 40), [], `${problems.length} problems`);
    assert.deepEqual(small.unexpected, []);
  });
});

const TYPE_REFUSED =
  /cannot unmarshal (?:number -?[\d.e]+|number|string|array|object|bool) into Go (?:value|struct field [\w.@{}]+) of type /;

type ProblemOf = (status: number, text: string) => string | undefined;

function ofVerdict(status: number, text: string, field: Field, wrong: Wrong): string | undefined {
  const { message = '' } = text.startsWith('{') ? (JSON.parse(text) as { readonly message?: string }) : {};
  const verdict = verdictOf(field.type, wrong);
  if (status === 501) return /not supported|cannot become/.test(message) ? undefined : 'not supported, and it does not say what';
  if (status >= 500) return 'an error of ours';
  if (status >= 400 && message === '') return 'no message';
  if (verdict === 'mismatch') return status === 400 && TYPE_REFUSED.test(message) ? undefined : 'a wrong type, not refused as one';
  if (verdict === 'form') return status === 400 ? undefined : 'a wrong form, and taken';
  return TYPE_REFUSED.test(message) ? 'refused, and its type is right' : undefined;
}
