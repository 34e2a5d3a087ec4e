import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventFilter, parseFilters, renderEvent } from '../../../src/docker-api/reads/index.ts';
import type { ClusterEvent, EngineEvent } from '../../../src/model/index.ts';

const id = 'c1'.repeat(32);

function event(Type: string, Action: string, ID: string, Attributes: Record<string, string> = {}, host = 'h1'): ClusterEvent {
  return { host, event: { Type, Action, Actor: { ID, Attributes }, scope: 'local', time: 1, timeNano: 1_000_000_001 } };
}

const events = {
  start: event('container', 'start', id, { name: 'web', image: 'me/app:1', tier: 'front' }),
  exec: event('container', 'exec_start: sh -c x', id, { name: 'web', image: 'me/app:1' }),
  healthy: event('container', 'health_status: healthy', id, { name: 'web', image: 'me/app:1' }),
  pull: event('image', 'pull', 'docker.io/library/busybox:1', { name: 'busybox' }, 'h2'),
  connect: event('network', 'connect', 'f'.repeat(64), { name: 'abc_default', container: id }),
  mount: event('volume', 'mount', 'data', { driver: 'local', container: id }),
  hostDown: event('node', 'update', 'h2', { name: 'h2' }, 'h2'),
};

function passing(filters: Record<string, readonly string[]>): readonly string[] {
  const accepts = eventFilter(parseFilters(JSON.stringify(filters)));
  return Object.entries(events).flatMap(([name, one]) => (accepts(one) ? [name] : []));
}

describe('an event filter', () => {
  it('lets everything pass when nothing is asked', () => {
    assert.deepEqual(passing({}), Object.keys(events));
    assert.deepEqual(passing({ type: [] }), Object.keys(events));
  });

  it('knows actions exactly, and those with details by their beginning', () => {
    assert.deepEqual(passing({ event: ['start'] }), ['start']);
    assert.deepEqual(passing({ event: ['exec_start'] }), ['exec']);
    assert.deepEqual(passing({ event: ['health_status'] }), ['healthy']);
    assert.deepEqual(passing({ event: ['health_status: healthy'] }), ['healthy']);
    assert.deepEqual(passing({ event: ['health_status: unhealthy'] }), []);
    assert.deepEqual(passing({ event: ['star'] }), []);
    assert.deepEqual(passing({ event: ['start', 'pull'] }), ['start', 'pull']);
  });

  it('knows types, scopes, labels', () => {
    assert.deepEqual(passing({ type: ['image', 'volume'] }), ['pull', 'mount']);
    assert.deepEqual(passing({ scope: ['swarm'] }), []);
    assert.deepEqual(passing({ label: ['tier=front'] }), ['start']);
    assert.deepEqual(passing({ label: ['tier', 'absent'] }), []);
  });

  it('knows actors by id, name, or their beginning', () => {
    for (const container of [id, id.slice(0, 12), 'web', 'we']) {
      assert.deepEqual(passing({ container: [container] }), ['start', 'exec', 'healthy'], container);
    }
    assert.deepEqual(passing({ network: ['abc_default'] }), ['connect']);
    assert.deepEqual(passing({ volume: ['data'] }), ['mount']);
    assert.deepEqual(passing({ container: ['web'], type: ['network'] }), []);
  });

  it('knows an image with and without its tag, on images and on containers made from it', () => {
    assert.deepEqual(passing({ image: ['me/app'] }), ['start', 'exec', 'healthy']);
    assert.deepEqual(passing({ image: ['me/app:1'] }), ['start', 'exec', 'healthy']);
    assert.deepEqual(passing({ image: ['busybox'] }), ['pull']);
    assert.deepEqual(passing({ image: ['me'] }), []);
  });

  it('knows a host by its own events and by what happened on it', () => {
    assert.deepEqual(passing({ node: ['h2'] }), ['pull', 'hostDown']);
  });
});

describe('an event line', () => {
  const bare: EngineEvent = events.start.event;
  const line = (one: EngineEvent, api: string) => JSON.parse(renderEvent(one, api).toString()) as Record<string, unknown>;

  it('is one line of JSON', () => {
    assert.ok(renderEvent(bare, '1.41').toString().endsWith('}\n'));
  });

  it('has the fields of the oldest API until 1.52, whether the Engine sent them or not', () => {
    const { status, id: legacyId, from } = line(bare, '1.41');
    assert.deepEqual([status, legacyId, from], ['start', id, 'me/app:1']);
    assert.deepEqual(line({ ...bare, status: 's', id: 'i', from: 'f' }, '1.51'), { ...bare, status: 's', id: 'i', from: 'f' });
    assert.deepEqual(line({ ...bare, status: 's', id: 'i', from: 'f' }, '1.52'), bare);
    assert.deepEqual(line(events.mount.event, '1.41'), events.mount.event);
    assert.ok(!('from' in line(events.pull.event, '1.41')));
  });
});
