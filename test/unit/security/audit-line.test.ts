import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROUTES } from '../../../src/docker-api/routes.ts';
import { operatorRoute } from '../../../src/operator-api/recorded-calls.ts';
import { ROUTE_DOCS } from '../../../src/operator-api/openapi/routes.ts';
import { auditLine, isAudited, noteTarget, servicesTarget, targetOf } from '../../../src/security/index.ts';

type Call = Parameters<typeof auditLine>[0];

const call = (more: Partial<Call>): Call => ({
  atMs: Date.UTC(2026, 10, 29, 12),
  method: 'DELETE',
  route: '/containers/{id}',
  status: 204,
  isRefused: false,
  isHidden: false,
  identity: undefined,
  client: undefined,
  from: '127.0.0.1',
  target: {},
  scheduler: 's1',
  requestId: 'r1',
  ...more,
});

describe('a line of the audit log', () => {
  it('says when, who from where, what of what, and how it ended', () => {
    const client = { user: 'ada', kind: 'client', fingerprint: 'ab12', issuer: 'cd', from: '10.0.0.7' };
    const identity = { name: 'ada', role: 'deployer', deployments: ['abc'] } as const;
    assert.deepEqual(auditLine(call({ client, identity, target: { object: 'abc_web_1', deployment: 'abc', host: 'h1' } })), {
      time: '2026-11-29T12:00:00.000Z',
      user: 'ada',
      role: 'deployer',
      certificate: 'ab12',
      from: '10.0.0.7',
      method: 'DELETE',
      route: '/containers/{id}',
      object: 'abc_web_1',
      deployment: 'abc',
      host: 'h1',
      result: 'done',
      status: 204,
      requestId: 'r1',
      scheduler: 's1',
    });
  });

  it('is there for what changes something, whatever became of it, and for what was refused', () => {
    const result = (more: Partial<Call>) => auditLine(call(more))?.result;
    assert.deepEqual(
      [204, 304, 409, 500, 403, undefined].map((status) => result({ status })),
      ['done', 'done', 'failed', 'failed', 'refused', 'gone'],
    );
    assert.equal(result({ status: 200, target: { hasFailed: true } }), 'failed', 'long work says so after its head');
    const read = { method: 'GET', route: '/containers/json' };
    assert.equal(result({ ...read, status: 200 }), undefined);
    assert.equal(result({ ...read, status: 404 }), undefined);
    assert.equal(result({ ...read, status: undefined }), undefined);
    for (const refused of [{ status: 401 }, { status: 403 }, { status: 400, isRefused: true }, { status: 404, isHidden: true }])
      assert.equal(result({ ...read, ...refused }), 'refused');
  });

  it('is for all routes but those that read, and what schedulers tell each other', () => {
    const all = [
      ...ROUTES.map(({ method, path }) => [method, path] as const),
      ...ROUTE_DOCS.map(({ method, path }) => [method.toUpperCase(), `/arpanet/v1${path}`] as const),
    ];
    const odd = all.filter(([method, path]) => isAudited(method, path) === (method === 'GET' || method === 'HEAD'));
    assert.deepEqual(
      odd.map((route) => route.join(' ')),
      [
        'GET /containers/{id}/attach/ws',
        'POST /containers/{id}/wait',
        'POST /auth',
        'POST /arpanet/v1/schedulers',
        'POST /arpanet/v1/rehearse',
      ],
    );
    assert.equal(isAudited('POST', undefined), true, 'a route that nobody knows');
  });

  it('keeps nothing at any length, and nothing of an address that no route has', () => {
    const line = auditLine(call({ route: undefined, from: '', target: { object: 'x'.repeat(10_000) } }));
    assert.deepEqual([line?.route, line?.from, line?.object?.length], ['other', 'unix', 257]);
  });

  it('of a request what was noted first stays, unless more is known', () => {
    const request = {};
    noteTarget(request, { object: 'web', host: 'h1' });
    noteTarget(request, { object: undefined, deployment: 'abc' });
    assert.deepEqual(targetOf(request), { object: 'web', host: 'h1', deployment: 'abc' });
    assert.deepEqual(servicesTarget(['abc/web=3', 'abc/db', 'xyz']), { object: 'abc/web=3 abc/db xyz', deployment: 'abc xyz' });
  });

  it('has the pattern of every route of the operator’s API', () => {
    for (const { method, path } of ROUTE_DOCS) {
      const found = operatorRoute(method.toUpperCase(), `/arpanet/v1${path.replaceAll(/:\w+/g, 'a%2Fb')}`);
      assert.equal(found?.path, `/arpanet/v1${path}`);
      assert.deepEqual(Object.values(found.params), path.includes(':') ? ['a/b'] : []);
    }
    assert.equal(operatorRoute('POST', '/arpanet/v1/nothing/here'), undefined);
  });
});
