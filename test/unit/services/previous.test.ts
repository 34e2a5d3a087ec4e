/** What a rollback goes back to: all that the last update changed, and nothing that others have changed since. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasOtherSettings, previousOf, restored } from '../../../src/services/rollout/previous.ts';
import { type ServiceRecord, UPDATE_DEFAULTS } from '../../../src/model/index.ts';

const first: ServiceRecord = {
  deployment: 'default',
  service: 'web',
  origin: 'api',
  desired: 3,
  countedAtMs: 0,
  template: { name: 'web-1', number: 1, request: { Image: 'web:1' } },
  update: UPDATE_DEFAULTS,
  labels: { tier: 'front' },
  spec: { Name: 'web', Labels: { tier: 'front' } },
  stopped: [],
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
};
const template = { name: 'web-1', number: 1, request: { Image: 'web:2' } };
const changes = {
  template,
  desired: 5,
  update: { ...UPDATE_DEFAULTS, parallelism: 2 },
  rollback: UPDATE_DEFAULTS,
  labels: {},
  spec: { Name: 'web' },
};
const second: ServiceRecord = { ...first, ...changes, ...previousOf(first, 5) };

describe('what a service goes back to', () => {
  it('is all of what it was: template, count, settings, labels and the spec that its client sent', () => {
    assert.deepEqual(restored(second), first);
    assert.equal(restored(first), undefined, 'it was never updated');
  });

  it('leaves a count that others have set since, and one that the update did not touch', () => {
    assert.equal(restored({ ...second, desired: 7 })?.desired, 7);
    assert.equal(restored({ ...first, ...previousOf(first, 3), desired: 4 })?.desired, 4);
  });

  it('is the template alone in a record that an earlier release wrote', () => {
    const { previousSettings: _, ...old } = second;
    const { previous: _previous, ...others } = old;
    assert.deepEqual(restored(old), { ...others, template: first.template });
  });

  it('runs a job by as many at once as before, and counts its iterations on', () => {
    const job = { concurrent: 2, iteration: 4, startedAtMs: 9 };
    const updated = { ...second, ...previousOf({ ...first, job }, 5), job: { ...job, concurrent: 8, iteration: 5 } };
    assert.deepEqual(restored(updated)?.job, { ...job, iteration: 5 });
  });

  it('is something else only where something differs', () => {
    assert.equal(hasOtherSettings(first, { ...first, version: 2, template }), false);
    for (const change of [{ desired: 4 }, { labels: {} }, { spec: {} }, { rollback: UPDATE_DEFAULTS }])
      assert.equal(hasOtherSettings(first, { ...first, ...change }), true, JSON.stringify(change));
  });
});
