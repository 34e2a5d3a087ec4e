/** The events of each action, in order, and how the stream is asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { promisedMs } from '../../../support/promised.ts';
import type { Case, Session } from '../session.ts';

const EVENTS = 'GET /events';
const filters = (value: unknown): string => encodeURIComponent(JSON.stringify(value));

interface Said {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly Attributes: Record<string, string> };
}

/** What is told while `act` goes on: type, action and attributes; of networks only what concerns containers. */
async function during(
  s: Session,
  label: string,
  act: () => Promise<unknown>,
  query = `filters=${filters({ type: ['container'] })}`,
): Promise<void> {
  const live = await s.live(`${label}: head`, `${EVENTS}?${query}`);
  await sleep(promisedMs(150));
  await act();
  // Until nothing more comes: an Engine tells a thing after it has answered.
  for (let seen = -1; seen < live.chunks.length; ) {
    seen = live.chunks.length;
    await sleep(promisedMs(500));
  }
  live.close();
  await live.ended;
  const lines = Buffer.concat(live.chunks).toString().split('\n').filter(Boolean);
  const said = lines.map((line) => JSON.parse(line) as Said);
  // an engine may hear of a pause from itself and from containerd, and tell it twice
  const heard = new Set<string>();
  const once = said.filter(
    ({ Action, Actor }) => !Action.endsWith('pause') || heard.size < heard.add(`${Action} ${Actor.Attributes['name']}`).size,
  );
  s.note(label, EVENTS, once);
}

export const cases: readonly Case[] = [
  {
    name: 'events of each action',
    isAlone: true,
    async run(s) {
      const post = (path: string) => s.quiet(`POST /containers/eve${path}`);
      await during(s, 'create', () =>
        s.create('eve', { Labels: { mark: 'x' }, Cmd: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'] }),
      );
      await during(s, 'start', () => post('/start'));
      await during(s, 'pause and unpause', async () => {
        await post('/pause');
        await post('/unpause');
      });
      await during(s, 'rename', async () => {
        await post('/rename?name=adam');
        await s.quiet('POST /containers/adam/rename?name=eve');
      });
      await during(s, 'update', () => s.quiet('POST /containers/eve/update', { CpuShares: 100 }));
      await during(s, 'resize', () => post('/resize?h=1&w=2'));
      await during(s, 'kill with HUP', () => post('/kill?signal=WINCH'));
      await during(s, 'top', () => s.quiet('GET /containers/eve/top'));
      await during(s, 'copy out', () => s.quiet('GET /containers/eve/archive?path=/etc/passwd'));
      await during(s, 'export', () => s.quiet('GET /containers/eve/export'));
      await during(s, 'exec', async () => {
        const { json } = await s.quiet('POST /containers/eve/exec', { Cmd: ['true'] });
        const { Id } = json as { Id: string };
        s.know('exec', Id);
        await s.quiet(`POST /exec/${Id}/start`, { Detach: true });
      });
      await during(s, 'commit', () => s.quiet('POST /commit?container=eve&repo=eves'));
      await during(s, 'restart', () => post('/restart?t=3'));
      await during(s, 'stop', () => post('/stop?t=3'));
      await during(s, 'remove', () => s.quiet('DELETE /containers/eve'));
      await during(s, 'remove by force', async () => {
        await s.up('seth');
        await s.quiet('DELETE /containers/seth?force=1');
      });
      await during(s, 'exits by itself, removed by itself', async () => {
        await s.up('abel', { Cmd: ['sh', '-c', 'exit 4'], HostConfig: { AutoRemove: true } });
        await s.until('gone', async () => (await s.quiet('GET /containers/abel/json', undefined, { tolerant: true })).status === 404);
      });
      await s.quiet('DELETE /images/eves');
    },
  },
  {
    name: 'events by filter and time',
    isAlone: true,
    async run(s) {
      const since = (Date.now() / 1000).toFixed(3);
      await s.up('cain', { Labels: { mark: 'x', other: '' }, Cmd: ['true'] });
      await s.quiet('POST /containers/cain/wait');
      await s.create('enoch');
      await sleep(promisedMs(500));
      const until = (Date.now() / 1000).toFixed(3);
      const told = async (label: string, query: string): Promise<void> => {
        const { status, json, body } = await s.quiet(`${EVENTS}?${query}`, undefined, { tolerant: true, timeoutMs: promisedMs(10_000) });
        const lines = status === 200 ? body.toString().split('\n').filter(Boolean) : undefined;
        const said = lines
          ?.map((line) => JSON.parse(line) as Said)
          .map(({ Type, Action, Actor }) => `${Type} ${Action} ${Actor.Attributes['name']}`);
        s.note(label, EVENTS, { status, said: said ?? json });
      };
      const wanted: readonly unknown[] = [
        { container: ['cain'] },
        { container: ['nobody'] },
        { container: ['cain', 'enoch'] },
        { type: ['container'], event: ['create'] },
        { type: ['container'], event: ['die', 'start'] },
        { type: ['what'] },
        { image: ['busybox'], type: ['container'] },
        { image: ['busybox:latest'], type: ['container'] },
        { label: ['mark'] },
        { label: ['mark=x'] },
        { label: ['mark', 'other'] },
        { label: ['mark=y'] },
        { scope: ['local'], type: ['container'] },
        { scope: ['swarm'] },
        { daemon: ['nobody'] },
        { volume: ['nobody'] },
        { network: ['nobody'] },
        { plugin: ['nobody'] },
        { what: ['x'], type: ['container'] },
        { type: { container: true } },
        'x',
      ];
      for (const filter of wanted)
        await told(`filter ${JSON.stringify(filter)}`, `since=${since}&until=${until}&filters=${filters(filter)}`);
      const containers = `filters=${filters({ type: ['container'] })}`;
      await told('past only', `since=${since}&until=${until}&${containers}`);
      await told('before anything', `since=1&until=2&${containers}`);
      await told('until before since', `since=1700000000&until=1600000000&${containers}`);
      await told('until in a moment', `until=${(Date.now() / 1000 + 0.5).toFixed(3)}&filters=${filters({ container: ['cain', 'enoch'] })}`);
      await told('bad since', 'since=x');
      await told('bad until', 'until=x');
      await told('old dialect', `since=${since}&until=${until}&filters=${filters({ container: ['cain'], event: ['start'] })}`);
      const old = await s.quiet(
        `GET /v1.24/events?since=${since}&until=${until}&filters=${filters({ container: ['cain'], event: ['start'] })}`,
      );
      s.note('in API 1.24', EVENTS, JSON.parse(old.body.toString().split('\n')[0] ?? '{}'));
    },
  },
];
