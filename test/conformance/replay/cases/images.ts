/** Images by name and id: list, inspect, history, tag, save, load, import, remove, prune. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Case, Session } from '../session.ts';
import { namesIn, tarOf } from '../tar.ts';

const filters = (value: unknown): string => encodeURIComponent(JSON.stringify(value));
const TAR = { headers: { 'Content-Type': 'application/x-tar' } };

interface Image {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
}

/** What is in a saved archive, sorted by what the script calls it. */
function membersOf(s: Session, archive: Buffer): readonly unknown[] {
  return namesIn(archive)
    .map((name) => s.called(name))
    .toSorted();
}

/** An image that nobody else has, of one layer; its id is known by its name. */
async function imported(s: Session, name: string, label: string): Promise<string> {
  const changes = encodeURIComponent(`LABEL which=${label}`);
  const [repo, tag = 'latest'] = name.split(':');
  await s.quiet(`POST /images/create?fromSrc=-&repo=${repo}&tag=${tag}&changes=${changes}`, tarOf({ which: name }), TAR);
  const { Id } = (await s.quiet(`GET /images/${name}/json`)).json as Image;
  s.know(name, Id.replace('sha256:', ''));
  return Id;
}

export const cases: readonly Case[] = [
  {
    name: 'images: list, inspect, history',
    isAlone: true,
    async run(s) {
      const { Id } = (await s.quiet('GET /images/busybox/json')).json as Image;
      for (const reference of [
        'busybox',
        'busybox:latest',
        'docker.io/library/busybox',
        'library/busybox',
        Id,
        Id.slice(7),
        Id.slice(7, 19),
      ]) {
        const { status, json } = await s.quiet(`GET /images/${encodeURIComponent(reference)}/json`, undefined, { tolerant: true });
        s.note(`inspect by ${reference}`, 'GET /images/{name*}/json', { status, id: (json as Image).Id });
      }
      await s.ask('inspect', 'GET /images/busybox/json');
      await s.ask('inspect with slashes unescaped', 'GET /images/docker.io/library/busybox/json');
      await s.ask('inspect redis', 'GET /images/redis/json');
      await s.ask('history', 'GET /images/busybox/history');
      await s.ask('history of redis', 'GET /images/redis:latest/history');
      for (const reference of [
        'busybox:none',
        'busybox@sha256:00',
        'Busybox',
        'a%20b',
        '0123456789ab',
        'sha256:0123',
        `sha256:${'0'.repeat(64)}`,
      ]) {
        await s.ask(`inspect ${reference}`, `GET /images/${reference}/json`);
        await s.ask(`history ${reference}`, `GET /images/${reference}/history`);
      }
    },
  },
  {
    name: 'images: lists and their filters',
    isAlone: true,
    async run(s) {
      await imported(s, 'listed/one:1', 'one');
      await s.quiet('POST /images/listed/one:1/tag?repo=listed/one&tag=2');
      // their order is that of their seconds
      await sleep(1_100);
      await imported(s, 'listed/two:1', 'two');
      await s.up('user', { Image: 'busybox' });
      const list = async (label: string, query: string): Promise<void> => {
        const { status, json } = await s.quiet(`GET /images/json?${query}`, undefined, { tolerant: true });
        const said = Array.isArray(json) ? json.map((one: Image) => (one.RepoTags ?? []).toSorted().join(' ')).toSorted() : json;
        s.note(label, 'GET /images/json', { status, said });
      };
      await s.ask('all of one name', `GET /images/json?filters=${filters({ reference: ['busybox'] })}`);
      await s.ask('whole, with digests', `GET /images/json?digests=1&filters=${filters({ reference: ['listed/*'] })}`);
      await s.ask('with shared size', `GET /images/json?shared-size=1&filters=${filters({ reference: ['busybox'] })}`);
      for (const query of ['', 'all=1', 'all=x', 'digests=x', 'filter=busybox', 'filters=', 'filters=x', 'filters=%7B'])
        await list(`?${query}`, query);
      const wanted: readonly unknown[] = [
        { reference: ['listed/*'] },
        { reference: ['listed/one:2'] },
        { reference: ['*:1'] },
        { reference: ['*/*:1'] },
        { reference: ['busybox', 'redis'] },
        { reference: ['nobody'] },
        { reference: ['['] },
        { dangling: ['true'] },
        { dangling: ['false'] },
        { dangling: ['x'] },
        { dangling: ['1', '0'] },
        { label: ['which'] },
        { label: ['which=one'] },
        { label: ['which=none'] },
        { label: ['which', 'other'] },
        { before: ['listed/two:1'] },
        { since: ['listed/one:1'] },
        { before: ['nobody'] },
        { since: ['nobody'] },
        { before: ['listed/two:1'], since: ['busybox'] },
        { what: ['x'] },
        { until: ['1'] },
        { reference: { 'listed/*': true } },
        { dangling: { true: true } },
        [],
        null,
      ];
      for (const filter of wanted) await list(`filter ${JSON.stringify(filter)}`, `filters=${filters(filter)}`);
      for (const tag of ['one:1', 'one:2', 'two:1']) await s.quiet(`DELETE /images/listed/${tag}`);
    },
  },
  {
    name: 'images: tag and remove',
    async run(s) {
      const id = await imported(s, 'tagged/first:1', 'tagged');
      const tag = (label: string, query: string, name = 'tagged/first:1') => s.ask(label, `POST /images/${name}/tag?${query}`);
      await tag('tag', 'repo=tagged/second&tag=2');
      await tag('tag again', 'repo=tagged/second&tag=2');
      await tag('tag without tag', 'repo=tagged/second');
      await tag('tag in repo', 'repo=tagged/second:3');
      await tag('tag by id', 'repo=tagged/third&tag=1', id);
      await tag('bad repo', 'repo=UPPER&tag=1');
      await tag('bad tag', 'repo=tagged/x&tag=a%20b');
      await tag('no repo', 'tag=1');
      await tag('a digest', `repo=tagged/x@sha256:${'0'.repeat(64)}`);
      await tag('unknown', 'repo=tagged/x', 'nobody');
      await tag('registry', 'repo=registry.example:5000/tagged/x&tag=1');
      await s.ask('all its names', 'GET /images/tagged/first:1/json');
      const remove = (label: string, name: string, query = '') => s.ask(label, `DELETE /images/${name}${query}`);
      await remove('by id, several names', id);
      await remove('by short id, several names', id.slice(7, 19));
      await remove('one name', 'tagged/second:2');
      await remove('it again', 'tagged/second:2');
      await remove('a name of a registry', 'registry.example:5000/tagged/x:1');
      await s.quiet('POST /images/tagged/first:1/tag?repo=tagged/fourth&tag=1');
      await s.create('tagged-user', { Image: 'tagged/first:1', Cmd: ['/which'] });
      await remove('one name of a used image', 'tagged/fourth:1');
      await remove('names in two repositories, used', id, '?force=0');
      await remove('its first name', 'tagged/first:1', '?noprune=1');
      for (const name of ['tagged/second:latest', 'tagged/second:3']) await remove(`and ${name}`, name);
      await remove('the last name, used', 'tagged/third:1');
      await remove('by id, used', id);
      await remove('by force, used', 'tagged/third:1', '?force=1');
      await s.ask('inspect by id afterwards', `GET /images/${id}/json`);
      await s.ask('the container shows its image', 'GET /containers/tagged-user/json');
      await s.ask('removing it by id, used', `DELETE /images/${id}`);
      await s.up('tagged-running', { Image: 'busybox' });
      await s.quiet('POST /images/busybox/tag?repo=tagged/busy&tag=1');
      await remove('a name of what runs', 'tagged/busy:1');
      await s.quiet('DELETE /containers/tagged-user');
      await s.quiet(`DELETE /images/${id}?force=1`, undefined, { tolerant: true });
      await s.ask('gone', `GET /images/${id}/json`);
      for (const name of ['nobody', 'nobody:1', 'sha256:0123', '0123456789ab']) await remove(`unknown ${name}`, name);
      await remove('bad force', 'nobody', '?force=x');
    },
  },
  {
    name: 'images: the conflict of a running container',
    async run(s) {
      const id = await imported(s, 'held/fast:1', 'held');
      await s.create('holder', { Image: 'held/fast:1', Cmd: ['/which'] });
      await s.ask('name, used by a stopped one', 'DELETE /images/held/fast:1');
      await s.ask('id, used by a stopped one', `DELETE /images/${id}`);
      await s.ask('short id, used by a stopped one', `DELETE /images/${id.slice(7, 19)}`);
      await s.quiet('DELETE /containers/holder');
      await s.ask('used no longer', 'DELETE /images/held/fast:1');
      const running = await s.quiet('POST /commit?container=' + (await s.up('held-base')) + '&repo=held/slow&tag=1');
      s.know('held/slow:1', (running.json as { Id: string }).Id.replace('sha256:', ''));
      await s.up('held-running', { Image: 'held/slow:1' });
      await s.ask('name, running', 'DELETE /images/held/slow:1');
      await s.ask('name, running, by force', 'DELETE /images/held/slow:1?force=1');
      await s.ask('id, running, by force', `DELETE /images/${(running.json as { Id: string }).Id}?force=1`);
      await s.quiet('DELETE /containers/held-running?force=1');
      await s.quiet(`DELETE /images/${(running.json as { Id: string }).Id}?force=1`);
    },
  },
  {
    name: 'images: save and load',
    async run(s) {
      const id = await imported(s, 'saved/one:1', 'saved');
      await s.quiet('POST /images/saved/one:1/tag?repo=saved/one&tag=2');
      const save = async (label: string, path: string): Promise<Buffer> => {
        const { status, headers, body, json } = await s.quiet(`GET ${path}`, undefined, { tolerant: true });
        const type = headers['content-type'];
        s.note(label, 'GET /images/{name*}/get', { status, type, said: status === 200 ? membersOf(s, body) : json });
        return body;
      };
      const one = await save('by name', '/images/saved/one:1/get');
      const both = await save('names', '/images/get?names=saved/one:1&names=saved/one:2');
      await save('by id', `/images/${id}/get`);
      await save('a whole repository', '/images/saved/one/get');
      await save('none', '/images/get');
      await save('unknown', '/images/nobody/get');
      await save('one of them unknown', '/images/get?names=saved/one:1&names=nobody');
      await save('bad name', '/images/get?names=UPPER');
      const gone = async (): Promise<void> => {
        for (const tag of ['1', '2']) await s.quiet(`DELETE /images/saved/one:${tag}`, undefined, { tolerant: true });
      };
      await gone();
      const load = (label: string, body: unknown, query = '') => s.ask(label, `POST /images/load${query}`, body, TAR);
      await load('load one', one, '?quiet=1');
      await s.ask('loaded', 'GET /images/saved/one:1/json');
      await s.ask('not loaded', 'GET /images/saved/one:2/json');
      await load('load both', both, '?quiet=1');
      await load('load it again', both, '?quiet=1');
      await s.ask('loaded both', 'GET /images/saved/one:2/json');
      await load('load no tar', 'what is this', '?quiet=1');
      await load('load nothing', '', '?quiet=1');
      await load('load a tar without an image', tarOf({ x: 'y' }), '?quiet=1');
      await load('bad quiet', 'x', '?quiet=x');
      await gone();
    },
  },
  {
    name: 'images: import',
    async run(s) {
      const take = (label: string, query: string, body: unknown = tarOf({ x: 'y' })) =>
        s.ask(label, `POST /images/create?fromSrc=-&${query}`, body, TAR);
      const changes = ['CMD ["/x"]', 'ENV A=b', 'LABEL a=b', 'EXPOSE 80', 'WORKDIR /w', 'USER 7'];
      await take('import', `repo=taken/in&tag=1&message=why&${changes.map((one) => `changes=${encodeURIComponent(one)}`).join('&')}`);
      await s.ask('inspect', 'GET /images/taken/in:1/json');
      await s.ask('history', 'GET /images/taken/in:1/history');
      await take('without name', '');
      await take('bad name', 'repo=UPPER');
      await take('bad change', `repo=taken/in&tag=2&changes=${encodeURIComponent('RUN x')}`);
      await take('no tar', 'repo=taken/in&tag=3', 'what is this');
      await s.ask('from nowhere', 'POST /images/create');
      await s.ask('bad reference', 'POST /images/create?fromImage=UPPER&tag=1');
      await s.ask('bad platform', 'POST /images/create?fromImage=busybox&tag=latest&platform=a/b/c/d');
      await s.quiet('DELETE /images/taken/in:1');
    },
  },
  {
    name: 'images: prune',
    isAlone: true,
    async run(s) {
      await imported(s, 'pruned/one:1', 'one');
      const old = await imported(s, 'pruned/two:1', 'old');
      await imported(s, 'pruned/two:1', 'new');
      s.know('the old two', old.replace('sha256:', ''));
      const prune = (label: string, filter?: unknown) =>
        s.ask(label, `POST /images/prune${filter === undefined ? '' : `?filters=${filters(filter)}`}`);
      await s.ask('dangling', `GET /images/json?filters=${filters({ dangling: ['true'] })}`);
      await prune('by another label', { label: ['which=none'] });
      await prune('until long ago', { until: ['24h'] });
      await prune('bad until', { until: ['x'] });
      await prune('two untils', { until: ['1h', '2h'] });
      await prune('bad dangling', { dangling: ['x'] });
      await prune('bad filter', { what: ['x'] });
      await s.ask('no JSON', 'POST /images/prune?filters=x');
      const { json } = await s.quiet('POST /images/prune');
      const { ImagesDeleted } = json as { ImagesDeleted: readonly Readonly<Record<string, string>>[] | null };
      const gone = (ImagesDeleted ?? []).flatMap((one) => Object.values(one).filter((id) => id === old));
      s.note('dangling ones', 'POST /images/prune', gone);
      await prune('nothing left');
      await prune('all of a label', { dangling: ['false'], label: ['which=one'] });
      await s.ask('it is gone', 'GET /images/pruned/one:1/json');
      await s.quiet('DELETE /images/pruned/two:1');
      await s.ask('build prune', 'POST /build/prune?all=1');
    },
  },
];
