import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type ContainerFacts,
  type ContainerRecord,
  type HostFacts,
  type HostRecord,
  type ImageSummary,
  keys,
} from '../../../src/model/index.ts';
import { tagChanges } from '../../../src/scheduler/images/tags.ts';
import type { View } from '../../../src/scheduler/view/roles.ts';
import { createImageIndex, type HostImages, type ImageIndex, indexImages } from '../../../src/scheduler/view/image-index.ts';
import { createView } from '../../../src/scheduler/view/view.ts';

const host = (name: string): HostRecord => ({
  name,
  address: '10.0.0.1',
  gateway: '10.0.0.1:2376',
  labels: {},
  availability: 'active',
  joinedAtMs: 0,
});
const image = (id: string, tags: string[], created = 100): ImageSummary => ({
  Id: id,
  RepoTags: tags,
  RepoDigests: [],
  Created: created,
  Size: 1,
});

function facts(id: string, name: string): ContainerFacts {
  return {
    summary: { Id: id, Names: [`/${name}`], Image: 'i', ImageID: 'i', Created: 0, State: 'running', Status: 'Up', Labels: {} },
    inspect: { Id: id, Name: `/${name}`, Config: {}, HostConfig: {}, NetworkSettings: {} } as unknown as ContainerFacts['inspect'],
  };
}

function record(name: string, id: string): ContainerRecord {
  const decision = { host: 'h1', strategy: 'spread', atMs: 0, scored: [], refused: [] };
  return {
    name,
    id,
    host: 'h1',
    deployment: 'd',
    service: 's',
    number: 1,
    addresses: {},
    aliases: {},
    links: [],
    request: {},
    decision,
    createdAtMs: 0,
  };
}

function viewOf(...hosts: readonly string[]): View {
  const view = createView(() => false);
  for (const name of hosts) {
    view.hosts.join(host(name), { name } as HostFacts);
    view.facts.apply(name, { type: 'snapshot', snapshot: { containers: [], images: [], volumes: [], networks: [] } }, 0);
    view.hosts.setState(name, 'alive', undefined, 0);
  }
  return view;
}

describe('the view', () => {
  it('hands out the same object until something that it shows changes', () => {
    const view = viewOf('h1');
    view.facts.apply('h1', { type: 'containers', upserts: [facts('a1', 'web'), facts('b1', 'db')], removes: [] }, 0);
    const [web, db] = [view.read.byId('a1'), view.read.byId('b1')];
    view.facts.apply('h1', { type: 'containers', upserts: [facts('a1', 'web')], removes: [] }, 0);
    assert.notEqual(view.read.byId('a1'), web);
    assert.equal(view.read.byId('b1'), db);
    assert.equal(view.read.containers(), view.read.containers());
  });

  it('knows who has a host port by what has changed alone: one number, a range until its Engine has chosen, and nothing that is gone', () => {
    const view = viewOf('h1', 'h2');
    const asks = (id: string, HostPort: string, bound?: string) => {
      const one = facts(id, id);
      const binding = (port: string) => ({ '80/tcp': [{ HostIp: '', HostPort: port }] });
      const inspect = {
        ...one.inspect,
        State: { Running: bound !== undefined },
        HostConfig: { PortBindings: binding(HostPort) },
        NetworkSettings: bound === undefined ? {} : { Ports: binding(bound) },
      } as unknown as ContainerFacts['inspect'];
      return { ...one, inspect };
    };
    const at = (port: number, protocol = 'tcp') => view.read.withPort(port, protocol).map(({ id }) => id);
    const say = (host: string, upserts: ContainerFacts[], removes: string[] = []) =>
      view.facts.apply(host, { type: 'containers', upserts, removes }, 0);
    say('h1', [asks('a', '8000'), asks('b', '8000-8002'), facts('c', 'c')]);
    say('h2', [asks('d', '8000', '8000')]);
    assert.deepEqual([at(8000), at(8001), at(8003), at(8000, 'udp')], [['a', 'd', 'b'], ['b'], [], []]);
    say('h1', [asks('b', '8000-8002', '8002'), asks('a', '8003')]);
    assert.deepEqual([at(8000), at(8001), at(8002), at(8003)], [['d'], [], ['b'], ['a']]);
    view.hosts.setState('h1', 'down', undefined, 0);
    assert.deepEqual([at(8002), view.read.withPort(8002, 'tcp')[0]?.hostState], [['b'], 'down']);
    say('h1', [], ['b']);
    view.hosts.remove('h2');
    assert.deepEqual([at(8000), at(8002), at(8003)], [[], [], ['a']]);
  });

  it('does not grow its version for a beat', () => {
    const view = viewOf('h1');
    const before = view.read.version();
    view.facts.apply('h1', { type: 'beat', load: { cpu: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 } }, 7);
    assert.equal(view.read.version(), before);
    assert.equal(view.read.host('h1')?.load?.cpu, 0.5);
    assert.equal(view.read.loadAt('h1'), 7);
  });

  it('knows the last hour of a host from the first beat that tells it, and keeps it over those that do not', () => {
    const view = viewOf('h1');
    const load = { cpu: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2 };
    const lastHour = { cpu: [1, 50], memory: [20, 21] };
    view.facts.apply('h1', { type: 'beat', load, lastHour }, 7);
    view.facts.apply('h1', { type: 'beat', load }, 8);
    assert.deepEqual(view.read.host('h1')?.lastHour, lastHour);
  });

  it("joins a container with its record, whichever comes first, and calls it by the record's name", () => {
    const view = viewOf('h1');
    view.records.set('web', record('web', 'a1'));
    view.facts.apply('h1', { type: 'containers', upserts: [facts('a1', 'web'), facts('b1', 'db')], removes: [] }, 0);
    assert.equal(view.read.byId('a1')?.record?.name, 'web');
    view.records.set('db', record('db', 'b1'));
    assert.equal(view.read.byId('b1')?.record?.name, 'db');
    view.records.set('db2', record('db2', 'b1'));
    view.records.set('db', undefined);
    assert.equal(view.read.byId('b1')?.record?.name, 'db2');
    assert.deepEqual(
      view.read.named('db2').map(({ id }) => id),
      ['b1'],
    );
    assert.deepEqual(view.read.named('db'), []);
  });

  it("keeps a host's containers while it joins again, and drops those that its snapshot lacks", () => {
    const view = viewOf('h1');
    view.facts.apply('h1', { type: 'containers', upserts: [facts('a1', 'web'), facts('b1', 'db')], removes: [] }, 0);
    view.hosts.join(host('h1'), { name: 'h1' } as HostFacts);
    assert.equal(view.read.containers().length, 2);
    const gone = view.facts.apply(
      'h1',
      { type: 'snapshot', snapshot: { containers: [facts('a1', 'web')], images: [], volumes: [], networks: [] } },
      0,
    );
    assert.deepEqual(
      gone.map(({ id }) => id),
      ['b1'],
    );
    assert.equal(view.read.containers().length, 1);
  });

  it('shows containers of a host that went down, with its state', () => {
    const view = viewOf('h1');
    view.facts.apply('h1', { type: 'containers', upserts: [facts('a1', 'web')], removes: [] }, 0);
    view.hosts.setState('h1', 'down', 'no heartbeat', 0);
    assert.equal(view.read.byId('a1')?.hostState, 'down');
  });

  it('makes nothing of them again for a warning about their host, which is alive', () => {
    const view = viewOf('h1');
    view.facts.apply('h1', { type: 'containers', upserts: [facts('a1', 'web')], removes: [] }, 0);
    const before = view.read.byId('a1');
    view.hosts.setState('h1', 'alive', 'no heartbeat for 4 s', 0);
    assert.equal(view.read.host('h1')?.why, 'no heartbeat for 4 s');
    assert.equal(view.read.byId('a1'), before);
    view.hosts.setState('h1', 'down', 'no heartbeat', 0);
    assert.notEqual(view.read.byId('a1'), before);
  });
});

describe('images', () => {
  it('lets the tag that was set last win, and says who holds its image', () => {
    const view = viewOf('h1', 'h2');
    view.facts.apply('h1', { type: 'images', images: [image('sha256:old', ['app:latest'])] }, 1_000_000);
    view.facts.apply('h2', { type: 'images', images: [image('sha256:new', ['app:latest'])] }, 2_000_000);
    assert.deepEqual({ ...view.images.find('app') }, { id: 'sha256:new', hosts: ['h2'], holders: new Set(['h2']) });
    view.facts.apply('h1', { type: 'images', images: [image('sha256:third', ['app:latest']), image('sha256:old', [])] }, 3_000_000);
    assert.deepEqual(view.images.find('app')?.id, 'sha256:third');
    assert.equal(view.images.tags().get('app:latest'), 'sha256:third');
  });

  it('does not take a copy for a newer image', () => {
    const copying = new Set<string>();
    const view = createView((name, tag) => copying.has(`${name}/${tag}`));
    for (const name of ['h1', 'h2', 'h3']) {
      view.hosts.join(host(name), { name } as HostFacts);
      view.facts.apply(name, { type: 'snapshot', snapshot: { containers: [], images: [], volumes: [], networks: [] } }, 0);
      view.hosts.setState(name, 'alive', undefined, 0);
    }
    view.facts.apply('h1', { type: 'images', images: [image('sha256:v1', ['app:latest'])] }, 1000);
    copying.add('h2/app:latest');
    view.facts.apply('h3', { type: 'images', images: [image('sha256:v2', ['app:latest'])] }, 2000);
    view.facts.apply('h2', { type: 'images', images: [image('sha256:v1', ['app:latest'])] }, 3000);
    assert.deepEqual({ ...view.images.find('app') }, { id: 'sha256:v2', hosts: ['h3'], holders: new Set(['h3']) });
  });

  it('lets what an earlier leader knew of a tag win over the age of its image', () => {
    const records = [{ tag: 'app:latest', id: 'sha256:older', sinceMs: 9_000_000 }];
    const view = createView(
      () => false,
      () => undefined,
      (tag) => records.find((record) => record.tag === tag),
    );
    const images = { h1: image('sha256:older', ['app:latest'], 1_000), h2: image('sha256:newer', ['app:latest'], 2_000) };
    for (const [name, one] of Object.entries(images)) {
      view.hosts.join(host(name), { name } as HostFacts);
      view.facts.apply(name, { type: 'snapshot', snapshot: { containers: [], images: [one], volumes: [], networks: [] } }, 10_000_000);
      view.hosts.setState(name, 'alive', undefined, 0);
    }
    assert.equal(view.images.tags().get('app:latest'), 'sha256:older');
    assert.deepEqual(tagChanges(view.images.tagged(), records, view.images.all()), []);
    // one that was set before this leader looked, and after the record was written, shows by its image's age
    view.hosts.join(host('h3'), { name: 'h3' } as HostFacts);
    const fresh = image('sha256:fresh', ['app:latest'], 9_500);
    view.facts.apply('h3', { type: 'snapshot', snapshot: { containers: [], images: [fresh], volumes: [], networks: [] } }, 10_000_000);
    view.hosts.setState('h3', 'alive', undefined, 0);
    assert.equal(view.images.tags().get('app:latest'), 'sha256:fresh');
  });

  it('writes down the tags that were set while it looked on, and forgets those that no host has', () => {
    const view = viewOf('h1');
    view.facts.apply('h1', { type: 'images', images: [image('sha256:a', ['reg:5000/app:1'])] }, 7_000);
    const put = { kind: 'put', key: keys.tag('reg:5000/app:1'), value: { tag: 'reg:5000/app:1', id: 'sha256:a', sinceMs: 7_000 } };
    const gone = { tag: 'gone:1', id: 'sha256:b', sinceMs: 1 };
    assert.deepEqual(tagChanges(view.images.tagged(), [gone], undefined), [put]);
    const later = { tag: 'reg:5000/app:1', id: 'sha256:b', sinceMs: 8_000 };
    assert.deepEqual(tagChanges(view.images.tagged(), [later], undefined), [], 'the host that has it so may be late');
    assert.deepEqual(tagChanges(view.images.tagged(), [later], view.images.all()), [put], 'nobody has it so');
    assert.deepEqual(tagChanges(view.images.tagged(), [gone], view.images.all()), [put, { kind: 'delete', key: keys.tag('gone:1') }]);
  });

  it('counts only hosts that are alive', () => {
    const view = viewOf('h1');
    view.facts.apply('h1', { type: 'images', images: [image('sha256:a', ['app:latest'])] }, 0);
    view.hosts.setState('h1', 'down', 'x', 0);
    assert.equal(view.images.find('app'), undefined);
  });

  it('finds by id and by unique prefix of one, and not by an ambiguous one', () => {
    const view = viewOf('h1');
    const [a, b] = [`sha256:${'a'.repeat(64)}`, `sha256:aaaab${'0'.repeat(59)}`];
    view.facts.apply('h1', { type: 'images', images: [image(a, []), image(b, [])] }, 0);
    assert.equal(view.images.find(a)?.id, a);
    assert.equal(view.images.find('aaaab')?.id, b);
    assert.equal(view.images.find('aaaa'), undefined);
  });
});

describe('the index of images', () => {
  const put = fc.record({
    host: fc.constantFrom('h1', 'h2', 'h3'),
    images: fc.option(
      fc.array(fc.record({ id: fc.constantFrom('aaaa1', 'aaaa2', 'bbbb1'), tags: fc.array(fc.constantFrom('app:1', 'app:latest')) }), {
        maxLength: 3,
      }),
    ),
  });
  const seen = (index: ImageIndex) => ({
    found: ['app', 'app:1', 'aaaa', 'bbbb', 'sha256:bbbb', 'app@sha256:aaaa1', 'none'].map(index.find),
    holders: ['aaaa1', 'aaaa2', 'bbbb1'].map((id) => [...index.holders(`sha256:${id}`)].sort()),
    tags: Object.fromEntries(index.tagged()),
  });

  const sinceOf = (tags: Readonly<Record<string, { readonly sinceMs: number }>>) =>
    Object.fromEntries(Object.entries(tags).map(([tag, { sinceMs }]) => [tag, sinceMs]));

  it('knows after any changes what one that is made anew knows', () => {
    fc.assert(
      fc.property(fc.array(put, { maxLength: 20 }), (puts) => {
        const index = createImageIndex();
        const now = new Map<string, HostImages>();
        for (const [nowMs, { host: name, images }] of puts.entries()) {
          const listed = images?.map(({ id, tags }) => ({ ...image(`sha256:${id}`, tags), RepoDigests: [`app@sha256:${id}`] }));
          const made = listed && indexImages(listed, now.get(name), nowMs + 200_000, () => undefined);
          if (made === undefined) now.delete(name);
          else now.set(name, made);
          index.put(name, made);
        }
        const anew = createImageIndex();
        for (const [name, images] of now) anew.put(name, images);
        const [kept, fresh] = [seen(index), seen(anew)];
        assert.deepEqual(kept.holders, fresh.holders);
        assert.deepEqual(sinceOf(kept.tags), sinceOf(fresh.tags), 'the newest, whoever said it first');
        for (const [at, found] of kept.found.entries()) assert.equal(found === undefined, fresh.found[at] === undefined);
      }),
    );
  });
});
