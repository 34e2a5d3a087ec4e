/** Volumes: create, list, inspect, remove, prune. */
import type { Case } from '../session.ts';

const filters = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

export const cases: readonly Case[] = [
  {
    name: 'volumes: create, inspect, remove',
    async run(s) {
      const create = (label: string, body: unknown, headers: Record<string, string> = {}) =>
        s.ask(label, 'POST /volumes/create', body, { headers });
      await create('create', { Name: 'vol-one', Labels: { a: 'b' } });
      await create('create again', { Name: 'vol-one', Labels: { a: 'other' } });
      await create('with options', { Name: 'vol-two', Driver: 'local', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } });
      await create('create again, other options', { Name: 'vol-two', Driver: 'local' });
      await create('null everywhere', { Name: 'vol-three', Labels: null, DriverOpts: null });
      await create('bad option', { Name: 'vol-four', DriverOpts: { what: 'x' } });
      await create('option without type', { Name: 'vol-four', DriverOpts: { device: 'x' } });
      await create('unknown driver', { Name: 'vol-four', Driver: 'what' });
      for (const Name of ['a/b', 'a b', 'x', '-x', '.x', 'gr\u00fcn', '/abs']) await create(`name ${Name}`, { Name });
      const made = await s.quiet('POST /volumes/create', {});
      const { Name, Labels } = made.json as { Name: string; Labels: unknown };
      s.note('without a name', 'POST /volumes/create', { status: made.status, name: /^[0-9a-f]{64}$/.test(Name), Labels });
      await s.ask('inspect', 'GET /volumes/vol-one');
      await s.ask('inspect with options', 'GET /volumes/vol-two');
      await s.ask('inspect unknown', 'GET /volumes/nobody');
      await s.ask('inspect part of the name', 'GET /volumes/vol-on');
      await s.up('voluble', { HostConfig: { Binds: ['vol-one:/one', 'vol-new:/new:ro'] } });
      await s.ask('made by a container', 'GET /volumes/vol-new');
      await s.ask('its mounts', 'GET /containers/voluble/json');
      await s.ask('rm in use', 'DELETE /volumes/vol-one');
      await s.ask('rm in use by force', 'DELETE /volumes/vol-one?force=1');
      await s.quiet('POST /containers/voluble/kill');
      await s.ask('rm in use by a stopped one', 'DELETE /volumes/vol-one');
      await s.quiet('DELETE /containers/voluble?v=1');
      await s.ask('named ones stay', 'GET /volumes/vol-new');
      await s.ask('rm', 'DELETE /volumes/vol-one');
      await s.ask('rm again', 'DELETE /volumes/vol-one');
      await s.ask('rm again by force', 'DELETE /volumes/vol-one?force=1');
      await s.ask('rm, bad force', 'DELETE /volumes/vol-two?force=x');
      await s.ask('put', 'PUT /volumes/vol-two?version=1', {});
    },
  },
  {
    name: 'volumes: beside a namespace of a container that runs',
    async run(s) {
      // an Engine reads nothing into these variables
      await s.up('far-lender', { Env: ['constraint:node==h1'] });
      await s.up('far-holder', { Env: ['constraint:node==h2'], HostConfig: { Binds: ['vol-far:/x'] } });
      const HostConfig = { NetworkMode: 'container:far-lender', Binds: ['vol-far:/x'] };
      const create = 'POST /containers/create';
      const { status, json } = await s.quiet(
        `${create}?name=far-borrower`,
        { Image: 'busybox', Cmd: ['sleep', '600'], HostConfig },
        { tolerant: true },
      );
      const { message } = json as { message?: string };
      s.note('beside a volume on another host', create, { status, body: { message: message === undefined ? '' : 'why' } });
      for (const name of ['far-borrower', 'far-holder', 'far-lender'])
        await s.quiet(`DELETE /containers/${name}?force=1&v=1`, undefined, { tolerant: true });
    },
  },
  {
    name: 'volumes: lists, filters, prune',
    isAlone: true,
    async run(s) {
      await s.quiet('POST /volumes/create', { Name: 'list-one', Labels: { a: 'b' } });
      await s.quiet('POST /volumes/create', { Name: 'list-two', Labels: { a: 'c' } });
      await s.up('lister', { HostConfig: { Binds: ['list-two:/x'] }, Volumes: { '/anonymous': {} } });
      const list = async (label: string, query: string): Promise<void> => {
        const { status, json } = await s.quiet(`GET /volumes?${query}`, undefined, { tolerant: true });
        const { Volumes, Warnings } = (json ?? {}) as { Volumes?: { Name: string }[] | null; Warnings?: unknown };
        const said =
          status === 200
            ? { Volumes: Volumes?.map(({ Name }) => Name.replace(/^[0-9a-f]{64}$/, 'anonymous')).toSorted() ?? null, Warnings }
            : json;
        s.note(label, 'GET /volumes', { status, said });
      };
      await s.ask('whole', `GET /volumes?filters=${filters({ name: ['list-one'] })}`);
      const wanted: readonly unknown[] = [
        {},
        { name: ['list'] },
        { name: ['one', 'none'] },
        { name: ['('] },
        { driver: ['local'] },
        { driver: ['what'] },
        { dangling: ['true'] },
        { dangling: ['0'] },
        { dangling: ['x'] },
        { label: ['a'] },
        { label: ['a=c'] },
        { label: ['a', 'x'] },
        { name: ['list'], label: ['a=b'] },
        { what: ['x'] },
        { dangling: { true: true } },
        [],
        'x',
      ];
      for (const filter of wanted) await list(JSON.stringify(filter), `filters=${filters(filter)}`);
      await list('no JSON', 'filters=x');
      const prune = async (label: string, query = ''): Promise<void> => {
        const { status, json } = await s.quiet(`POST /volumes/prune${query}`, undefined, { tolerant: true });
        const { VolumesDeleted, ...others } = (json ?? {}) as { VolumesDeleted?: readonly string[] | null };
        s.note(label, 'POST /volumes/prune', {
          status,
          others,
          deleted: VolumesDeleted?.map((name) => name.replace(/^[0-9a-f]{64}$/, 'anonymous')).toSorted() ?? null,
        });
      };
      await prune('prune by label', `?filters=${filters({ label: ['a=none'] })}`);
      await prune('prune bad filter', `?filters=${filters({ what: ['x'] })}`);
      await prune('prune until', `?filters=${filters({ until: ['1h'] })}`);
      await prune('prune no JSON', '?filters=x');
      await prune('prune all by label', `?filters=${filters({ all: ['true'], label: ['a=b'] })}`);
      await prune('prune');
      await s.quiet('DELETE /containers/lister?force=1');
      await prune('prune what is used no longer');
      await prune('prune all', `?filters=${filters({ all: ['true'] })}`);
      await prune('prune nothing');
      await list('none left', '');
    },
  },
];
