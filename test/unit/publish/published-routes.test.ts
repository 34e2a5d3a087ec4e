import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchRoute, ROUTES } from '../../../src/docker-api/routes.ts';
import { PUBLISHED_ROUTES } from './published-routes.ts';

const plain = (path: string): string => path.replaceAll('*', '').replace(/\{\w+\}/g, '{}');

describe('the published Engine API, 1.24 to 1.51', () => {
  it('is in the route table, every route of it, each on a line of its own', () => {
    const missing = PUBLISHED_ROUTES.filter((line) => {
      const [method = '', path = ''] = line.split(' ');
      const found = matchRoute(method, path.replace(/\{\w+\}/g, 'some-name'))?.route;
      return found === undefined || plain(found.path) !== plain(path);
    });
    assert.deepEqual(missing, []);
  });

  it('is all that is in the route table, but for what only Engines of old answer', () => {
    const published = new Set([...PUBLISHED_ROUTES.map(plain), 'POST /containers/{}/copy']);
    assert.deepEqual(
      ROUTES.map(({ method, path }) => plain(`${method} ${path}`)).filter((line) => !published.has(line)),
      [],
    );
  });

  it('takes names with slashes where Engines do', () => {
    for (const [line, name] of [
      ['GET /images/a/b/json', 'a/b'],
      ['GET /containers/h1/web/json', 'h1/web'],
      ['DELETE /images/registry:5000/a/b:1', 'registry:5000/a/b:1'],
    ] as const) {
      const [method = '', path = ''] = line.split(' ');
      assert.equal(Object.values(matchRoute(method, path)?.params ?? {})[0], name);
    }
  });
});
