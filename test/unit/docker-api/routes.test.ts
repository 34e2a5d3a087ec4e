import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { howToRepeat, mayLast } from '../../../src/docker-api/retry-rules.ts';
import { fillPath, matchRoute, ROUTES } from '../../../src/docker-api/routes.ts';

const wayOf = (method: string, path: string): string | undefined => matchRoute(method, path)?.route.do;

describe('the route table', () => {
  it('has no line that an earlier one hides', () => {
    const hidden = ROUTES.filter((route) => {
      const example = route.path.replace(/\{\w+\*?\}/g, 'some-name');
      return matchRoute(route.method, example)?.route !== route;
    });
    assert.deepEqual(hidden, []);
  });

  it('finds an image by a name with slashes, a registry port and a tag', () => {
    const matched = matchRoute('GET', '/images/registry.example:5000/team/app:1.2/json');
    assert.equal(matched?.route.path, '/images/{name*}/json');
    assert.equal(matched?.params['name'], 'registry.example:5000/team/app:1.2');
  });

  it('takes an image named like a verb for an image', () => {
    assert.equal(matchRoute('DELETE', '/images/json')?.params['name'], 'json');
    assert.equal(matchRoute('GET', '/images/get/json')?.params['name'], 'get');
  });

  it('decodes parameters and encodes them again for the Engine', () => {
    const matched = matchRoute('GET', '/containers/a%2Fb/json');
    assert.equal(matched?.params['id'], 'a/b');
    assert.equal(matched && fillPath(matched.route, matched.params), '/containers/a%2Fb/json');
  });

  it('keeps colon and at sign of an image readable for the Engine', () => {
    const matched = matchRoute('GET', '/images/team/app@sha256:00ff/json');
    assert.equal(matched && fillPath(matched.route, matched.params), '/images/team/app@sha256:00ff/json');
  });

  it('knows no route that the Engine does not know', () => {
    assert.equal(wayOf('GET', '/'), undefined);
    assert.equal(wayOf('GET', '/containers'), undefined);
    assert.equal(wayOf('PATCH', '/containers/x'), undefined);
    assert.equal(wayOf('GET', '/containers/x/json/more'), undefined);
  });

  it('answers the services API itself', () => {
    for (const path of ['/services', '/nodes', '/tasks', '/secrets', '/configs', '/swarm', '/services/x', '/nodes/x', '/services/x/logs']) {
      assert.equal(matchRoute('GET', path)?.route.do === 'refuse', false, path);
    }
  });
});

describe('what may last for hours at a scheduler that passes it on', () => {
  it('is what the leader calls a stream, and a build', () => {
    const which = (urls: readonly string[]): readonly boolean[] => urls.map((url) => mayLast(...(url.split(' ') as [string, string])));
    const long = [
      'GET /containers/x/logs?follow=1',
      'GET /v1.41/events',
      'POST /containers/x/wait',
      'GET /containers/x/stats',
      'POST /build',
    ];
    assert.deepEqual(which(long), [true, true, true, true, true]);
    assert.deepEqual(which(['GET /containers/json', 'POST /containers/x/stop', 'GET /nothing', 'GET /%']), [false, false, false, false]);
  });
});

describe('what may be sent again to the next leader', () => {
  it('is what reads, and what a leader recognises by its request id', () => {
    for (const url of ['GET /v1.41/containers/json?all=1', 'HEAD /containers/x/archive?path=/', 'POST /v1.24/containers/create?name=a']) {
      const [method = '', path = ''] = url.split(' ');
      assert.equal(howToRepeat(method, path), 'safely', url);
    }
    assert.equal(howToRepeat('POST', '/arpanet/v1/rehearse'), 'safely', 'a plan changes nothing');
    for (const url of ['POST /containers/x/start', 'POST /containers/x/stop', 'DELETE /containers/x', 'POST /networks/create']) {
      const [method = '', path = ''] = url.split(' ');
      assert.equal(howToRepeat(method, path), 'safely', url);
    }
  });

  it('is nothing that would happen twice', () => {
    for (const url of [
      'POST /containers/x/exec',
      'POST /containers/x/restart',
      'POST /build',
      'POST /images/create',
      'PUT /containers/x/archive',
    ]) {
      const [method = '', path = ''] = url.split(' ');
      assert.equal(howToRepeat(method, path), 'never', url);
    }
  });

  it('is no connection that is handed over', () => {
    assert.equal(howToRepeat('POST', '/v1.41/containers/x/attach?stream=1'), 'stream');
    assert.equal(howToRepeat('POST', '/exec/x/start'), 'stream');
  });
});
