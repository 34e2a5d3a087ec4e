import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { placeOf } from '../../../src/docker-api/request-metrics.ts';
import { compileGoTypes } from '../../../src/docker-json/index.ts';
import type { HostView, NetworkRecord, ServiceView } from '../../../src/model/index.ts';
import { operatorApi, type OperatorDeps } from '../../../src/operator-api/api.ts';
import { BODIES } from '../../../src/operator-api/bodies.ts';
import { ANSWERS } from '../../../src/operator-api/openapi/answers.ts';
import { openApi } from '../../../src/operator-api/openapi/document.ts';
import { PAGE_POLICY, referencePage } from '../../../src/operator-api/openapi/page.ts';
import { ROUTE_DOCS } from '../../../src/operator-api/openapi/routes.ts';
import { hostDetail } from '../../../src/operator-api/reports/host-report.ts';
import { networkReports, statusReport } from '../../../src/operator-api/reports/report.ts';
import { serviceReports } from '../../../src/operator-api/reports/service-report.ts';
import { topReport } from '../../../src/operator-api/reports/top-report.ts';
import { parseGoJson } from '../../../src/schemas/index.ts';
import { literalRecord, literalView } from '../../support/fakes/literal-containers.ts';
import { literalObserved } from '../../support/fakes/literal-observed.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object; readonly example: unknown }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: object; readonly example: unknown }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** Routes of the express application below /arpanet/v1, as `get /hosts/:host`. */
function realRoutes(): readonly string[] {
  interface Layer {
    readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
    readonly handle?: { readonly stack?: readonly Layer[] };
  }
  const app = operatorApi({ log: {} } as unknown as OperatorDeps) as unknown as { readonly router: { readonly stack: readonly Layer[] } };
  const walk = (layers: readonly Layer[]): readonly string[] =>
    layers.flatMap(({ route, handle }) =>
      route === undefined ? walk(handle?.stack ?? []) : Object.keys(route.methods).map((method) => `${method} ${route.path}`),
    );
  return walk(app.router.stack);
}

const document = openApi('0.1.0') as unknown as Document;
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ $id: 'reference', ...document }, 'reference');

/** Of a schema whose references are those of the document. */
function validatorOf(schema: object): ValidateFunction {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"reference#/components')) as object);
}
function assertValid(validate: ValidateFunction, value: unknown, what: string): void {
  assert.ok(validate(JSON.parse(JSON.stringify(value))), `${what}: ${ajv.errorsText(validate.errors)}`);
}

describe('the reference of /arpanet/v1', () => {
  /** The scheduler's endpoint answers it itself. */
  const beside = ['get /health'];

  it('has every route of the server, and no other', () => {
    const said = ROUTE_DOCS.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(said.toSorted(), [...realRoutes(), ...beside].toSorted());
    assert.equal(new Set(said).size, said.length, 'each once');
  });

  it('has no route that metrics do not count by its first word', () => {
    for (const { method, path } of ROUTE_DOCS) {
      const [word = ''] = /[\w-]+/.exec(path) ?? [];
      assert.equal(placeOf(method.toUpperCase(), `/arpanet/v1${path}`).labels.route, `/arpanet/v1/${word}`, path);
    }
  });

  it('gives each operation a name of its own, an example for its body, and one for its answer', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    assert.equal(operations.length, ROUTE_DOCS.length);
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
    for (const { operationId, requestBody, responses } of operations) {
      for (const { example } of Object.values(requestBody?.content ?? {})) assert.notEqual(example, undefined, operationId);
      for (const { example } of Object.values(responses['200']?.content ?? {})) assert.notEqual(example, undefined, operationId);
    }
  });

  it('has examples that answer to its schemas, and no reference to nothing', () => {
    for (const operations of Object.values(document.paths))
      for (const { operationId, requestBody, responses } of Object.values(operations))
        for (const { schema, example } of [requestBody, ...Object.values(responses)].flatMap((one) => Object.values(one?.content ?? {})))
          assertValid(validatorOf(schema), example, operationId);
    const named = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    for (const [, name = ''] of named) assert.ok(name in document.components.schemas, name);
  });

  it('is a page with each operation, each schema and each example, and no script', () => {
    const page = referencePage(openApi('0.1.0'));
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, { operationId }] of Object.entries(methods))
        assert.ok(page.includes(`<h3 id="${operationId}"><code>${method.toUpperCase()} ${path}</code>`), operationId);
    for (const name of Object.keys(document.components.schemas)) assert.ok(page.includes(`<h3 id="schema-${name}">`), name);
    for (const [, name = ''] of page.matchAll(/href="#([^"]+)"/g)) assert.ok(page.includes(`id="${name}"`), `a link to nothing: ${name}`);
    assert.doesNotMatch(page, /<script|javascript:|https?:\/\/[a-z]+\.[a-z]+\/[^"]*\.(?:js|css)/);
    assert.match(PAGE_POLICY, /^default-src 'none'; style-src 'sha256-/);
  });

  it('has bodies that the endpoint itself takes, and refuses by both what is of a wrong type', () => {
    const types = compileGoTypes(BODIES);
    for (const { path, body } of ROUTE_DOCS) {
      if (body === undefined) continue;
      const type = types.get(body.type) ?? assert.fail(body.type);
      // a number may be written in quotes or without, and is read as its text
      const read = JSON.stringify(parseGoJson(JSON.stringify(body.example), type)).replace('"max":"3"', '"max":3');
      assert.deepEqual(JSON.parse(read), body.example, path);
      const validate = validatorOf({ $ref: `#/components/schemas/${body.type.replace('arpanet.', '')}` });
      for (const field of Object.keys(body.example as object)) {
        const wrong: object = { ...(body.example as object), [field]: { of: { a: 'wrong type' } } };
        if (['labels', 'template', 'settings', 'faults', 'limits'].includes(field)) continue;
        assert.throws(() => parseGoJson(JSON.stringify(wrong), type), `${path}: ${field} at the endpoint`);
        assert.equal(validate(wrong), false, `${path}: ${field} in the reference`);
      }
    }
  });

  it('describes what reports really have: nothing is missing, and nothing is there that it does not name', () => {
    const host = {
      name: 'h1',
      record: { name: 'h1', address: '10.0.0.1', gateway: '10.0.0.1:2376', availability: 'active', labels: { a: 'b' }, joinedAtMs: 1 },
      state: 'alive',
      load: { cpu: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 },
      facts: undefined,
      why: 'slow',
      images: [],
      volumes: [],
      faults: { unexpectedErrors: 1, refusedMessages: 0, lastMsAgo: 5, lastPlace: 'a timer' },
    } as unknown as HostView;
    const container = literalView(literalRecord('abc_web_1'), { state: { Health: { Status: 'unhealthy' } } });
    const service = {
      deployment: 'abc',
      service: 'web',
      desired: 2,
      instances: [container],
      outdated: [],
      trouble: 'no room',
    } as unknown as ServiceView;
    const lease = {
      ip: '10.32.0.64',
      network: 'n1',
      kind: 'instance',
      owner: 'abc_web_1',
      host: 'h1',
      state: 'bound',
      sinceMs: 1,
      epoch: 1,
    } as const;
    const network = {
      id: 'n1',
      name: 'abc_default',
      deployment: 'abc',
      cidr: '10.32.0.0/22',
      vni: 1,
      labels: {},
      internal: false,
    } as unknown as NetworkRecord;
    const observed = literalObserved({
      hosts: [host],
      containers: [container],
      leases: [lease],
      networks: [network],
      services: () => [service],
      cutHosts: [{ host: 'h2', reason: 'no', isMalformed: false, msAgo: 5 }],
      admissions: [{ kind: 'expected', name: 'h9', atMs: 1 }],
      schedulers: [
        {
          name: 's1',
          url: 'http://s1',
          leads: true,
          heardMsAgo: 0,
          exposed: ['tcp://10.0.0.1:2375'],
          auditTrouble: 'the audit log cannot be written',
        },
      ],
    });
    /** Nothing that it does not name. */
    const strict = (name: keyof typeof ANSWERS): ValidateFunction => ajv.compile(z.toJSONSchema(ANSWERS[name].schema, { io: 'output' }));
    assertValid(strict('Status'), statusReport(observed), 'status');
    assert.ok(statusReport(observed).warnings.includes('scheduler s1: the audit log cannot be written'), 'exit code 3');
    assertValid(strict('Hosts'), statusReport(observed).hosts, 'hosts');
    assertValid(strict('Host'), hostDetail(observed, 'h1', 1), 'a host');
    assertValid(strict('Services'), serviceReports([service], 1), 'services');
    assertValid(strict('Networks'), networkReports(observed), 'networks');
    const usage = [{ id: container.id, cores: 0.5, memoryBytes: 1 }];
    assertValid(strict('Top'), topReport(observed, usage, 1), 'top');
    const more = { ...statusReport(observed).hosts[0], another: 1 };
    assert.equal(strict('Hosts')([more]), false, 'a field that it does not name is found');
  });
});
