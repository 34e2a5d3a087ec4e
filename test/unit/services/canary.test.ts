import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpTotals, ServiceTemplate } from '../../../src/model/index.ts';
import {
  canaryCount,
  canaryRefusal,
  canaryTemplate,
  judgeCanary,
  promotedTemplate,
  totalOf,
  withCanaries,
} from '../../../src/services/rollout/canary-plan.ts';
import { instanceName } from '../../../src/services/replicas/template.ts';

const template: ServiceTemplate = {
  name: 'abc-web-2',
  number: 2,
  request: {
    Image: 'web:1',
    Env: ['A=1'],
    Labels: {
      'com.docker.compose.project': 'abc',
      'com.docker.compose.service': 'web',
      'com.docker.compose.container-number': '2',
      'arpanet.http': 'shop.example.com',
      'arpanet.ingress': '8080:80',
      'arpanet.vip': 'true',
    },
    HostConfig: { NetworkMode: 'abc_default', PortBindings: { '80/tcp': [{ HostPort: '80' }] } },
    NetworkingConfig: { EndpointsConfig: { abc_default: { Aliases: ['web'], IPAMConfig: { IPv4Address: '10.0.0.9' } } } },
  },
};

describe('a canary', () => {
  it('has names of its own: none of its service’s, none of its ports, none of its addresses', () => {
    const { name, number, request } = canaryTemplate(template, { deployment: 'abc', service: 'web' }, 0.1);
    assert.deepEqual([name, number, instanceName({ name, number, request }, 3)], ['abc-web-canary-1', 1, 'abc-web-canary-3']);
    assert.deepEqual(request.Labels, {
      'com.docker.compose.project': 'abc',
      'com.docker.compose.service': 'web-canary',
      'com.docker.compose.container-number': '1',
      'arpanet.http': 'shop.example.com',
      'arpanet.canary': 'web 10%',
    });
    assert.deepEqual(request.HostConfig, { NetworkMode: 'abc_default' });
    assert.deepEqual(request.NetworkingConfig, { EndpointsConfig: { abc_default: {} } });
    const swarm = { ...template, request: { Image: 'web', Labels: { 'arpanet.service': 'web' } } };
    const labels = canaryTemplate(swarm, { deployment: 'default', service: 'web' }, 0.5).request.Labels;
    assert.deepEqual(labels, { 'arpanet.service': 'web-canary', 'arpanet.canary': 'web 50%' });
  });

  it('goes with its service; another that is called so stays', () => {
    const web = { deployment: 'abc', service: 'web', template };
    const canary = { deployment: 'abc', service: 'web-canary', template: canaryTemplate(template, web, 0.1) };
    const others = [
      { ...canary, deployment: 'xyz' },
      { ...web, service: 'db' },
      { ...web, service: 'db-canary' },
    ];
    const all = [web, canary, ...others];
    assert.deepEqual(withCanaries([web], all), [web, canary]);
    assert.deepEqual(withCanaries([canary, web], all), [canary, web], 'once');
    assert.deepEqual(withCanaries([canary], all), [canary]);
    assert.deepEqual(withCanaries(others.slice(1, 2), all), others.slice(1, 2));
  });

  it('needs an HTTP name, and has at least one instance', () => {
    assert.equal(canaryRefusal(template), undefined);
    assert.match(canaryRefusal({ ...template, request: { Labels: {} } }) ?? '', /give it the label arpanet\.http, as in/);
    assert.deepEqual([canaryCount(1, 0.1), canaryCount(20, 0.1), canaryCount(0, 0.5)], [1, 2, 1]);
  });

  it('becomes its service with image and environment, and nothing else of it', () => {
    const canary = canaryTemplate(
      { ...template, request: { ...template.request, Image: 'web:2', Env: ['A=2'] } },
      { deployment: 'abc', service: 'web' },
      0.1,
    );
    assert.deepEqual(promotedTemplate(template, canary), { ...template, request: { ...template.request, Image: 'web:2', Env: ['A=2'] } });
  });

  it('is judged by errors and latency beside the others, once it has had enough requests', () => {
    const totals = (requests: number, errors: number, latencyMs: number): HttpTotals => ({ requests, errors, latencyMs });
    const base = totals(900, 9, 20);
    for (const [canary, verdict, why] of [
      [totals(49, 0, 5), 'unknown', /too few requests to judge it, 50 are needed/],
      [
        totals(100, 2, 40),
        'good',
        /as well as the others \(canary: 2\.0% errors, 40 ms, of 100 requests; others: 1\.0% errors, 20 ms, of 900\)/,
      ],
      [totals(100, 3, 5), 'bad', /more requests fail/],
      [totals(100, 0, 41), 'bad', /it is slower/],
    ] as const) {
      const said = judgeCanary(base, canary);
      assert.equal(said.verdict, verdict);
      assert.match(said.why, why);
    }
    assert.equal(judgeCanary(totals(0, 0, 0), totals(100, 0, 900)).verdict, 'good', 'nobody to be slower than');
  });

  it('is counted over all hosts', () => {
    const one = { container: 'c1', requests: 10, errors: 1, latencyMs: 10 };
    const figures = [one, { ...one, requests: 30, latencyMs: 50 }, { ...one, container: 'c2' }];
    assert.deepEqual(totalOf(figures, new Set(['c1'])), { requests: 40, errors: 2, latencyMs: 40 });
    assert.deepEqual(totalOf(figures, new Set()), { requests: 0, errors: 0, latencyMs: 0 });
  });
});
