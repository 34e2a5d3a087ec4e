import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeOf } from '../../../src/docker-api/request-metrics.ts';

const routeOf = (method: string, url: string): string => placeOf(method, url).labels.route;

describe('what a request is counted under', () => {
  it('is the route, not the path: no id or name of a client becomes a label', () => {
    assert.equal(routeOf('GET', '/v1.41/containers/abc_web_1/json?size=1'), '/containers/{id}/json');
    assert.equal(routeOf('GET', '/images/registry.example:5000/a/b:1/json'), '/images/{name*}/json');
    assert.equal(routeOf('POST', '/arpanet/v1/hosts/h1/drain'), '/arpanet/v1/hosts');
    assert.equal(routeOf('GET', '/metrics'), '/metrics');
    assert.equal(routeOf('GET', '/ui/hosts/h1'), '/ui');
  });

  it('is "other" for whatever a client makes up', () => {
    assert.equal(routeOf('GET', '/wp-login.php'), 'other');
    assert.equal(routeOf('GET', '/containers/%zz/nothing'), 'other');
    assert.equal(routeOf('GET', '/arpanet/v1/made-up-by-a-client'), '/arpanet');
    assert.equal(placeOf('PROPFIND', '/info').labels.method, 'other');
    assert.equal(routeOf('', ''), 'other');
  });

  it('leaves the durations of streams out', () => {
    assert.equal(placeOf('GET', '/events').isLong, true);
    assert.equal(placeOf('GET', '/containers/x/logs').isLong, true);
    assert.equal(placeOf('GET', '/containers/json').isLong, false);
    assert.equal(placeOf('GET', '/arpanet/v1/hosts?filter=state=alive&watch').isLong, true);
    assert.equal(placeOf('GET', '/arpanet/v1/operations/x?follow=true').isLong, true);
    assert.equal(placeOf('GET', '/arpanet/v1/hosts?limit=1').isLong, false);
  });
});
