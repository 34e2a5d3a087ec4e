import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileGoTypes } from '../../../src/docker-json/index.ts';
import { parseJson } from '../../../src/docker-api/json/body.ts';
import { answerTo } from '../../../src/docker-api/errors.ts';
import { cleanerPath, hopByHop, refuseRequest } from '../../../src/docker-api/guards.ts';
import { stops } from '../../../src/docker-api/containers/mutate.ts';
import { refuseVersion, windowOf } from '../../../src/docker-api/api-versions.ts';
import { ArpanetError, type ErrorKind } from '../../../src/model/index.ts';
import { literalContainer, literalHost } from '../../support/fakes/literal-cluster.ts';
import { splitVersion } from '../../../src/text/api-version.ts';

describe('API versions', () => {
  it('offered are those that every alive host speaks', () => {
    const hosts = [literalHost('h1', { apiVersion: '1.45' }), literalHost('h2', { apiVersion: '1.41' })];
    assert.deepEqual(windowOf(hosts), { min: '1.24', max: '1.41' });
  });

  it('of a host that is down do not count', () => {
    const hosts = [literalHost('h1', { apiVersion: '1.45' }), literalHost('h2', { apiVersion: '1.41', state: 'down' })];
    assert.equal(windowOf(hosts).max, '1.45');
  });

  it('are never newer than the routes that this endpoint knows', () => {
    assert.equal(windowOf([literalHost('h1', { apiVersion: '1.60' })]).max, '1.51');
  });

  it('rise from below with an Engine that dropped old ones', () => {
    const host = literalHost('h1', { apiVersion: '1.51' });
    const facts = host.facts && { ...host.facts, minApiVersion: '1.44' };
    assert.equal(windowOf([{ ...host, facts }]).min, '1.44');
  });

  it('too new and too old are refused in the words of the Engine', () => {
    const window = { min: '1.24', max: '1.41' };
    assert.equal(refuseVersion('1.42', window), 'client version 1.42 is too new. Maximum supported API version is 1.41');
    assert.equal(
      refuseVersion('1.10', window),
      'client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    );
    assert.equal(refuseVersion('1.24', window), undefined);
    assert.match(refuseVersion('1.41.1', window) ?? '', /too new/);
  });

  it('are split off the path only where they stand', () => {
    assert.deepEqual(splitVersion('/v1.43/containers/v1.2/json'), { version: '1.43', path: '/containers/v1.2/json' });
    assert.deepEqual(splitVersion('/volumes/v1'), { version: undefined, path: '/volumes/v1' });
  });
});

describe('the guards', () => {
  it('send a client with empty or dot segments to where an Engine sends it', () => {
    assert.equal(cleanerPath('//v1.41//containers/json'), '/v1.41/containers/json');
    assert.equal(cleanerPath('/v1.41/containers/../_ping'), '/v1.41/_ping');
    assert.equal(cleanerPath('/a/./b//'), '/a/b/');
    assert.equal(cleanerPath('/../..'), '/');
    assert.equal(cleanerPath('/v1.41/images/reg:5000/a..b/json'), undefined);
  });

  it('refuse what http-proxy would let through as a second request', () => {
    assert.equal(refuseRequest('DELETE', '/containers/x', { 'transfer-encoding': 'chunked' })?.status, 400);
    assert.equal(refuseRequest('OPTIONS', '/', { 'transfer-encoding': 'chunked' })?.status, 400);
    assert.equal(refuseRequest('POST', '/build', { 'transfer-encoding': 'chunked' }), undefined);
  });

  it('refuse two framings at once, and one that nobody reads', () => {
    assert.equal(refuseRequest('POST', '/build', { 'transfer-encoding': 'chunked', 'content-length': '3' })?.status, 400);
    assert.equal(refuseRequest('POST', '/build', { 'transfer-encoding': 'gzip, chunked' })?.status, 501);
  });

  it('know no object called dot or dot dot, escaped or not', () => {
    for (const path of ['/images/../containers/json', '/images/%2e%2E/json', '/containers/./json', 'http://elsewhere/info']) {
      assert.equal(refuseRequest('GET', path, {})?.status, 404, path);
    }
    assert.equal(refuseRequest('GET', '/images/..hidden/json', {}), undefined);
  });

  it('stop the headers that concern one connection, those that Connection names included', () => {
    const headers = { connection: 'close, X-Mine', 'x-mine': '1', te: 'trailers', 'x-registry-auth': 'kept', host: 'kept' };
    assert.deepEqual([...hopByHop(headers)].sort(), ['connection', 'te', 'x-mine']);
  });
});

describe('errors', () => {
  const statusOf = (kind: ErrorKind): number => answerTo(new ArpanetError(kind, 'm'), 'r').status;

  it('have the status that the Engine gives to the same', () => {
    assert.deepEqual(
      (['invalid', 'not-found', 'conflict', 'forbidden', 'too-large', 'unsupported'] as const).map(statusOf),
      [400, 404, 409, 403, 413, 501],
    );
  });

  it('that pass by themselves say when to come again', () => {
    for (const kind of ['unavailable', 'not-leader'] as const) {
      const answer = answerTo(new ArpanetError(kind, 'm'), 'r');
      assert.deepEqual([answer.status, answer.retryAfterSeconds], [503, 1]);
    }
    assert.equal(answerTo(new ArpanetError('unplaceable', 'm'), 'r').retryAfterSeconds, undefined);
  });

  it('of an Engine keep its own status', () => {
    assert.equal(answerTo(new ArpanetError('engine', 'm', { engineStatus: 304 }), 'r').status, 304);
  });

  it('that are unexpected give the client nothing but the request id to look for', () => {
    const answer = answerTo(new TypeError('secret is not a function'), 'r-1');
    assert.equal(answer.status, 500);
    assert.match(answer.message, /r-1/);
    assert.doesNotMatch(answer.message, /secret/);
  });
});

describe('a body', () => {
  const json = 'application/json';
  const things = compileGoTypes({ 'types.Thing': { Name: 'string', Force: 'bool', Labels: 'map[string]string' } });
  const THING = things.get('types.Thing') ?? assert.fail();
  const refusal = (text: string, type: string | undefined = json): string => {
    try {
      parseJson(Buffer.from(text), type, THING);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };

  it('must be a JSON object that says so', () => {
    assert.match(refusal(''), /^invalid JSON: got EOF/);
    assert.equal(refusal('{'), 'invalid JSON: unexpected EOF');
    assert.equal(refusal('{"a'), 'invalid JSON: unexpected EOF');
    assert.equal(refusal('x'), "invalid JSON: invalid character 'x' looking for beginning of value");
    assert.equal(refusal('{a'), "invalid JSON: invalid character 'a' looking for beginning of object key string");
    assert.equal(refusal('{"a":1 "b"}'), "invalid JSON: invalid character '\"' after object key:value pair");
    assert.equal(refusal('{} x'), 'unexpected content after JSON');
    assert.equal(refusal('[]'), 'invalid JSON: json: cannot unmarshal array into Go value of type types.Thing');
    assert.equal(refusal('null'), 'taken');
    assert.equal(refusal('{}', 'text/plain'), "unsupported Content-Type header (text/plain): must be 'application/json'");
    assert.equal(refusal('{}', 'application/json; charset=utf-8'), 'taken');
    assert.match(refusal('{}', ';;'), /^malformed Content-Type header \(;;\)/);
  });

  it('has fields of the types that Go would take', () => {
    assert.equal(refusal('{"Name":null,"Force":false,"Labels":{"a":"b"},"Other":[1]}'), 'taken');
    assert.equal(refusal('{"Name":7}'), 'invalid JSON: json: cannot unmarshal number into Go struct field Thing.Name of type string');
    assert.match(refusal('{"Force":"x"}'), /cannot unmarshal string into Go struct field Thing.Force of type bool$/);
    assert.match(refusal('{"Labels":[]}'), /cannot unmarshal array into Go struct field Thing.Labels of type map\[string\]string$/);
    assert.match(refusal('{"Labels":{"a":1}}'), /cannot unmarshal number into Go struct field Thing.Labels of type string$/);
  });
});

describe('a container is taken out of its names before', () => {
  const container = literalContainer({ id: 'c1', name: 'web' });
  const kills = (query: string): boolean => stops('/containers/{id}/kill', new URLSearchParams(query), container);

  it('stop, restart, pause, and a kill that ends it', () => {
    for (const action of ['stop', 'restart', 'pause']) assert.ok(stops(`/containers/{id}/${action}`, new URLSearchParams(), container));
    for (const query of ['', 'signal=SIGKILL', 'signal=9', 'signal=term', 'signal=SIGINT']) assert.ok(kills(query), query);
  });

  it('its own stop signal', () => {
    const inspect = { Config: { StopSignal: 'SIGUSR1' } };
    assert.ok(stops('/containers/{id}/kill', new URLSearchParams('signal=USR1'), literalContainer({ id: 'c1', name: 'web', inspect })));
  });

  it('but not before a signal that it lives through', () => {
    for (const query of ['signal=HUP', 'signal=SIGUSR1', 'signal=WINCH', 'signal=1']) assert.ok(!kills(query), query);
    assert.ok(!stops('/containers/{id}/start', new URLSearchParams(), container));
  });
});
