/** Lists with every filter, and names and ids in every form. */
import type { Case, Session } from '../session.ts';

const filters = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

/** Six containers in all states, a second apart, so that the order by creation is the same on both sides. */
async function scene(s: Session): Promise<void> {
  await s.quiet('POST /networks/create', { Name: 'side' });
  await s.quiet('POST /volumes/create', { Name: 'data' });
  const make = async (name: string, config: Readonly<Record<string, unknown>>, ...then: readonly string[]): Promise<void> => {
    await s.create(name, config);
    for (const action of then) await s.quiet(`POST /containers/${name}/${action}`);
    await new Promise((resolve) => setTimeout(resolve, 60));
  };
  await make('first', { Labels: { tier: 'front', one: '' } });
  await make('second', { Labels: { tier: 'back' }, HostConfig: { Binds: ['data:/data'] } }, 'start');
  await make('third', { Cmd: ['sh', '-c', 'exit 3'], ExposedPorts: { '80/tcp': {} } }, 'start', 'wait');
  await make('fourth', { HostConfig: { NetworkMode: 'side' } }, 'start', 'pause');
  const Healthcheck = { Test: ['CMD', 'true'], Interval: 200_000_000 };
  await make(
    'fifth',
    { Healthcheck, ExposedPorts: { '81/udp': {} }, HostConfig: { PortBindings: { '81/udp': [{ HostPort: '18181' }] } } },
    'start',
  );
  await make('sixth', { Image: 'redis', Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'none' } });
  await s.until('health', async () => JSON.stringify((await s.quiet('GET /containers/json')).json).includes('(healthy)'));
}

const LIST = 'GET /containers/json';

export const cases: readonly Case[] = [
  {
    name: 'lists and their filters',
    isAlone: true,
    async run(s) {
      await scene(s);
      const names = async (label: string, query: string): Promise<void> => {
        const { status, json } = await s.quiet(`${LIST}?${query}`, undefined, { tolerant: true });
        s.note(label, LIST, { status, said: Array.isArray(json) ? json.map((one: { Names: string[] }) => one.Names) : json });
      };
      await s.ask('all, whole', `${LIST}?all=1`);
      for (const query of [
        '',
        'all=0',
        'all=true',
        'all=yes',
        'limit=2',
        'limit=0',
        'limit=-1',
        'limit=x',
        'limit=3&all=1',
        'size=x',
        'before=x',
      ]) {
        await names(`?${query}`, query);
      }
      const wanted: readonly unknown[] = [
        { name: ['first'] },
        { name: ['^/f'] },
        { name: ['ir'] },
        { name: ['/first'] },
        { name: ['fi.*h'] },
        { name: ['('] },
        { id: ['zz'] },
        { label: ['tier'] },
        { label: ['tier=back'] },
        { label: ['tier', 'one'] },
        { label: ['one='] },
        { label: ['nothing'] },
        { status: ['running'] },
        { status: ['exited'] },
        { status: ['created', 'paused'] },
        { status: ['what'] },
        { exited: ['3'] },
        { exited: ['0'] },
        { exited: ['x'] },
        { health: ['healthy'] },
        { health: ['none'] },
        { health: ['what'] },
        { ancestor: ['busybox'] },
        { ancestor: ['busybox:latest'] },
        { ancestor: ['redis'] },
        { ancestor: ['nobody'] },
        { before: ['third'] },
        { since: ['third'] },
        { since: ['first'], before: ['fifth'] },
        { before: ['nobody'] },
        { since: ['nobody'] },
        { volume: ['data'] },
        { volume: ['/data'] },
        { volume: ['nothing'] },
        { network: ['side'] },
        { network: ['none'] },
        { network: ['nowhere'] },
        { publish: ['18181'] },
        { publish: ['81/udp'] },
        { publish: ['81'] },
        { publish: ['x'] },
        { expose: ['80/tcp'] },
        { expose: ['80'] },
        { expose: ['80-90/udp'] },
        { expose: ['x/y'] },
        { 'is-task': ['true'] },
        { 'is-task': ['false'] },
        { 'is-task': ['x'] },
        { isolation: ['default'] },
        { what: ['x'] },
        { name: ['first', 'second'], status: ['running'] },
        { label: { 'tier=back': true } },
        { status: { running: false } },
        {},
        [],
        'x',
        { name: 'first' },
        null,
      ];
      for (const filter of wanted) await names(`filter ${JSON.stringify(filter)}`, `all=1&filters=${filters(filter)}`);
      await names('filter that is no JSON', 'filters=%7B');
      await names('filter that is empty', 'filters=');
      await names('running only, by filter without all', `filters=${filters({ name: ['f'] })}`);
    },
  },
  {
    name: 'names and ids',
    isAlone: true,
    async run(s) {
      const id = await s.create('named');
      await s.create('other');
      const look = async (label: string, reference: string): Promise<void> => {
        const { status, json } = await s.quiet(`GET /containers/${reference}/json`, undefined, { tolerant: true });
        s.note(label, 'GET /containers/{id}/json', { status, name: (json as { Name?: string } | undefined)?.Name ?? json });
      };
      await look('full id', id);
      await look('short id', id.slice(0, 12));
      await look('one more letter', id.slice(0, 13));
      await look('name', 'named');
      await look('escaped slash and name', '%2Fnamed');
      await look('part of the name', 'name');
      await look('other case', 'Named');
      await look('nobody', 'nobody');
      await look('a space', '%20');
      await look('UTF-8', 'gr%C3%BCn');
      await look('a slash within', 'a/b');
      await look('an escaped slash within', 'a%2Fb');
      const ids: string[] = [];
      // seventeen containers have two ids that begin alike
      for (let i = 0; i < 17; i++) ids.push(await s.create(`many-${i}`));
      const first = ids.map((one) => one.slice(0, 1));
      const twice = first.find((letter, i) => first.indexOf(letter) !== i) ?? '';
      const ambiguous = await s.quiet(`GET /containers/${twice}/json`, undefined, { tolerant: true });
      s.note('ambiguous', 'GET /containers/{id}/json', {
        status: ambiguous.status,
        message: JSON.stringify(ambiguous.json).replace(`: ${twice}`, ': <prefix>'),
      });
      const killed = await s.quiet(`POST /containers/${twice}/stop`, undefined, { tolerant: true });
      s.note('ambiguous stop', 'POST /containers/{id}/stop', {
        status: killed.status,
        message: JSON.stringify(killed.json).replace(`: ${twice}`, ': <prefix>'),
      });
    },
  },
  {
    name: 'inspect with size, other versions',
    isAlone: true,
    async run(s) {
      await s.up('sized', { Labels: { ä: 'ö' } });
      await s.ask('size', 'GET /containers/sized/json?size=1');
      await s.ask('no version', 'GET /v1.41/containers/sized/json');
      for (const version of ['1.24', '1.30', '1.40']) {
        await s.ask(`inspect ${version}`, `GET /v${version}/containers/sized/json`);
        await s.ask(`list ${version}`, `GET /v${version}/containers/json`);
      }
      await s.ask('too old', 'GET /v1.11/containers/json');
      await s.ask('too new', 'GET /v9.99/containers/json');
      await s.ask('no such version', 'GET /vx/containers/json');
    },
  },
];
