import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpTotals, ServiceTemplate } from '../../../src/model/index.ts';
import { afterLook, JUDGED_MS, judgeCanary, nextOfCanary, totalsOf } from '../../../src/services/rollout/canary-judge.ts';
import { canaryCount, canaryRefusal, canaryTemplate, promotedTemplate, withCanaries } from '../../../src/services/rollout/canary-plan.ts';
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
});

describe('how a canary does', () => {
  const totals = (requests: number, errors: number, latencyMs: number): HttpTotals => ({ requests, errors, latencyMs });
  const base = totals(900, 9, 20);

  it('is judged by errors and latency beside the others, once it has had enough requests and chance does not explain it', () => {
    for (const [canary, verdict, why] of [
      [totals(49, 0, 5), 'unknown', /too few requests to judge it, 50 are needed/],
      [
        totals(100, 2, 40),
        'good',
        /as well as the others \(canary: 2\.0% errors, 40 ms, of 100 requests; others: 1\.0% errors, 20 ms, of 900\)/,
      ],
      [totals(100, 3, 5), 'unknown', /more requests fail, and that may be chance/],
      [totals(50, 2, 5), 'unknown', /more requests fail, and that may be chance/],
      [totals(100, 6, 5), 'bad', /^more requests fail \(/],
      [totals(1000, 30, 5), 'bad', /^more requests fail \(/],
      [totals(100, 0, 41), 'bad', /it is slower/],
    ] as const) {
      const said = judgeCanary(base, canary);
      assert.equal(said.verdict, verdict, said.why);
      assert.match(said.why, why);
    }
    assert.equal(judgeCanary(totals(450, 0, 5), totals(50, 3, 5)).verdict, 'bad', 'three of fifty, where none fails otherwise');
    assert.equal(judgeCanary(totals(0, 0, 0), totals(100, 0, 900)).verdict, 'good', 'nobody to be slower than');
    assert.equal(judgeCanary(totals(0, 0, 0), totals(100, 50, 5)).verdict, 'unknown', 'nobody to do better');
    assert.equal(judgeCanary(totals(900, 450, 5), totals(100, 52, 5)).verdict, 'unknown', 'what both need has failed');
  });

  it('is seldom called worse than others that do the same, however often one looks', () => {
    // one in twenty fails of both, by a generator that always says the same
    let seed = 7;
    const fails = (): number => Number((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647 < 0.05);
    let bad = 0;
    for (let run = 0; run < 200; run++) {
      const [of, canary] = [
        { requests: 0, errors: 0 },
        { requests: 0, errors: 0 },
      ];
      let isBad = false;
      for (let n = 0; n < 2_000; n++) {
        const side = n % 10 === 0 ? canary : of;
        side.requests += 1;
        side.errors += fails();
        if (n % 100 === 99) isBad ||= judgeCanary({ ...of, latencyMs: 1 }, { ...canary, latencyMs: 1 }).verdict === 'bad';
      }
      bad += Number(isBad);
    }
    assert.ok(bad <= 6, `${bad} of 200`);
  });

  it('has what follows from it: it goes when it is worse, and becomes its service when that was asked for and it is time', () => {
    const next = (verdict: 'good' | 'bad' | 'unknown', ageMs: number, promoteAfterMs?: number) =>
      nextOfCanary({ verdict, why: '' }, { ageMs, promoteAfterMs });
    assert.deepEqual(
      [next('bad', 0), next('bad', 9, 5), next('good', 9), next('good', 4, 5), next('good', 5, 5), next('unknown', 9, 5)],
      ['take back', 'take back', 'wait', 'wait', 'promote', 'wait'],
    );
  });

  it('is counted from look to look over all hosts, for five minutes', () => {
    const sides = { base: new Set(['b1']), canary: new Set(['c1']) };
    const figures = (host: string, container: string, requests: number, errors: number, latencyMs = 10) => ({
      host,
      container,
      requests,
      errors,
      latencyMs,
    });
    const seen = (...all: readonly ReturnType<typeof figures>[]) => ({ hosts: all.map(({ host }) => host), figures: all });
    // what was before the first look is not its own
    const first = afterLook(undefined, seen(figures('h1', 'b1', 5_000, 900), figures('h2', 'x', 9, 9)), sides, 0);
    assert.deepEqual(totalsOf(first), { base: totals(0, 0, 0), canary: totals(0, 0, 0) });
    const second = afterLook(
      first,
      seen(figures('h1', 'b1', 5_010, 900), figures('h1', 'c1', 10, 1, 20), figures('h2', 'c1', 30, 0, 60)),
      sides,
      5_000,
    );
    assert.deepEqual(totalsOf(second), { base: totals(10, 0, 10), canary: totals(40, 1, 50) });
    // h1 has loaded its configuration again, and h2 does not answer now
    const third = afterLook(second, seen(figures('h1', 'b1', 3, 1), figures('h1', 'c1', 4, 0)), sides, 10_000);
    assert.deepEqual(totalsOf(third).base, totals(13, 1, 10));
    assert.equal(totalsOf(third).canary.requests, 44);
    const back = afterLook(third, seen(figures('h2', 'c1', 31, 0)), sides, 15_000);
    assert.equal(totalsOf(back).canary.requests, 45);
    assert.deepEqual(totalsOf(afterLook(back, seen(), sides, 10_000 + JUDGED_MS)).canary, totals(1, 0, 10));
    const before = afterLook(
      afterLook(undefined, { hosts: ['h1'], figures: [] }, sides, 0),
      seen(figures('h1', 'c1', 10, 0)),
      sides,
      5_000,
    );
    assert.deepEqual(
      totalsOf(afterLook(before, seen(figures('h1', 'c1', 11, 8)), sides, 6_000)).canary,
      totals(21, 8, 10),
      'it has begun again, and counts more by now than before',
    );
    assert.deepEqual(totalsOf(afterLook(before, seen(), sides, 4_000)).canary, totals(0, 0, 0), 'the clock was set back');
    const later = afterLook(before, seen(figures('h2', 'c1', 900, 300)), sides, 6_000);
    assert.deepEqual(totalsOf(later).canary, totals(10, 0, 10), 'a host that answers only now, after days');
    assert.deepEqual(totalsOf(afterLook(later, seen(figures('h2', 'c1', 907, 300)), sides, 7_000)).canary, totals(17, 0, 10));
    assert.deepEqual(
      [...afterLook(back, seen(), { ...sides, canary: new Set() }, 20_000).last.keys()],
      ['h1 b1'],
      'what has gone is forgotten',
    );
  });
});
