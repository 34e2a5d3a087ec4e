/** logs, attach, exec: statuses, framing, what comes on which stream, how ends travel. */
import { setTimeout as sleep } from 'node:timers/promises';
import { promisedMs } from '../../../support/promised.ts';
import type { Case, Session } from '../session.ts';
import { frames, type Hijacked } from '../wire.ts';

const talk = { Cmd: ['sh', '-c', 'echo one; sleep 0.1; echo two >&2; sleep 0.1; echo drei ä; sleep 0.1; printf "no newline"'] };

async function ended(s: Session, name: string): Promise<void> {
  await s.quiet(`POST /containers/${name}/wait`);
}

const LOGS = 'GET /containers/{id}/logs';
const ATTACH = 'POST /containers/{id}/attach';
const EXEC = 'POST /exec/{id}/start';

const post = (path: string, body = '', headers: readonly string[] = []): string =>
  [
    `POST {v}${path} HTTP/1.1`,
    'Host: docker',
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/json']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
const UPGRADE = ['Connection: Upgrade', 'Upgrade: tcp'];

/** What came on each stream: an engine copies them side by side, so that their order is none. */
function byStream(said: unknown): unknown {
  if (!Array.isArray(said)) return said;
  const of = (kind: number): string => (said as [number, string][]).flatMap(([one, text]) => (one === kind ? [text] : [])).join('');
  return { out: of(1), err: of(2) };
}

async function whole(got: Hijacked, ms = 8_000): Promise<unknown> {
  await Promise.race([got.ended, sleep(promisedMs(ms), undefined, { ref: false })]);
  return frames(got.received()) ?? got.received().toString();
}

export const cases: readonly Case[] = [
  {
    name: 'logs',
    async run(s) {
      await s.up('talker', talk);
      await ended(s, 'talker');
      for (const query of [
        'stdout=1&stderr=1',
        'stdout=1',
        'stderr=1',
        '',
        'stdout=0&stderr=0',
        'stdout=true&stderr=True',
        'stdout=1&tail=1',
        'stdout=1&stderr=1&tail=2',
        'stdout=1&tail=0',
        'stdout=1&tail=all',
        'stdout=1&tail=x',
        'stdout=1&tail=-5',
        'stdout=1&since=0',
        'stdout=1&since=4102444800',
        'stdout=1&since=x',
        'stdout=1&until=1',
        'stdout=1&until=x',
        'stdout=1&follow=1',
        'stdout=1&details=1',
        'stdout=1&timestamps=1',
      ]) {
        await s.ask(`?${query}`, `GET /containers/talker/logs?${query}`);
      }
      await s.ask('unknown', 'GET /containers/nobody/logs?stdout=1');
      await s.create('silent');
      await s.ask('never started', 'GET /containers/silent/logs?stdout=1&stderr=1');
      await s.up('terminal', { Tty: true, ...talk });
      await ended(s, 'terminal');
      await s.ask('tty', 'GET /containers/terminal/logs?stdout=1&stderr=1');
      await s.create('mute', { HostConfig: { LogConfig: { Type: 'none' } } });
      await s.quiet('POST /containers/mute/start');
      await s.ask('driver none', 'GET /containers/mute/logs?stdout=1');
    },
  },
  {
    name: 'logs followed',
    async run(s) {
      await s.up('ticker', { Cmd: ['sh', '-c', 'echo before; read x; echo after'], OpenStdin: true });
      const live = await s.live('head at once', 'GET /containers/ticker/logs?stdout=1&follow=1');
      await s.until('first line', () => Promise.resolve(Buffer.concat(live.chunks).includes('before')));
      const attached = await s.raw('attach', post('/containers/ticker/attach?stream=1&stdin=1', '', UPGRADE));
      attached.socket.write('\n');
      s.note('ends with the container', LOGS, { isWhole: await live.ended, frames: frames(Buffer.concat(live.chunks)) });
      attached.socket.destroy();
    },
  },
  {
    name: 'attach',
    async run(s) {
      for (const [style, headers] of [
        ['101', UPGRADE],
        ['200', []],
      ] as const) {
        for (const Tty of [false, true]) {
          const name = `cat-${style}-${Tty ? 'tty' : 'framed'}`;
          await s.create(name, { Cmd: ['sh', '-c', 'echo hello; cat; echo bye >&2'], OpenStdin: true, StdinOnce: true, Tty });
          const got = await s.raw(`${name} head`, post(`/containers/${name}/attach?stream=1&stdin=1&stdout=1&stderr=1`, '', headers));
          await s.quiet(`POST /containers/${name}/start`);
          await s.until('its first words', () => Promise.resolve(got.received().includes('hello')));
          got.socket.write('through\n');
          if (Tty) got.socket.write('\u0004');
          else got.socket.end();
          s.note(`${name}: all that came, to the end`, ATTACH, byStream(await whole(got)));
          got.socket.destroy();
          const done = await s.quiet(`POST /containers/${name}/wait`);
          s.note(`${name}: exit`, ATTACH, done.json);
        }
      }
      const logs = await s.raw('logs only', post('/containers/cat-101-framed/attach?logs=1&stdout=1&stderr=1', '', UPGRADE));
      s.note('logs only: all', ATTACH, byStream(await whole(logs)));
      logs.socket.destroy();
      const some = await s.raw('not running, stream', post('/containers/cat-101-framed/attach?stream=1&stdout=1', '', UPGRADE));
      s.note('not running: body', ATTACH, await whole(some, 1_500));
      some.socket.destroy();
      await s.ask('unknown', 'POST /containers/nobody/attach?stream=1&stdout=1');
      const lost = await s.raw('unknown with upgrade', post('/containers/nobody/attach?stream=1&stdout=1', '', UPGRADE));
      s.note('unknown with upgrade: body', ATTACH, await whole(lost, 1_000));
      const keys = await s.raw('bad detach keys', post('/containers/cat-101-framed/attach?stream=1&detachKeys=what', '', UPGRADE));
      s.note('bad detach keys: body', ATTACH, await whole(keys, 1_000));
      await s.up('paused');
      await s.quiet('POST /containers/paused/pause');
      await s.ask('paused', 'POST /containers/paused/attach?stream=1&stdout=1');
    },
  },
  {
    name: 'detach keys',
    async run(s) {
      await s.up('held', { Cmd: ['cat'], OpenStdin: true, Tty: true });
      for (const [label, query, keys] of [
        ['default', '', '\u0010\u0011'],
        ['own', '&detachKeys=ctrl-a,x', '\u0001x'],
      ] as const) {
        const got = await s.raw(label, post(`/containers/held/attach?stream=1&stdin=1&stdout=1${query}`, '', UPGRADE));
        got.socket.write(keys);
        s.note(`${label}: left`, ATTACH, await whole(got, 4_000));
        got.socket.destroy();
      }
      const { json } = await s.quiet('GET /containers/held/json');
      s.note('still running', ATTACH, (json as { State: { Running: boolean } }).State.Running);
    },
  },
  {
    name: 'attach by websocket',
    async run(s) {
      const handshake = (name: string, more = '') =>
        [
          `GET {v}/containers/${name}/attach/ws?stream=1&stdin=1&stdout=1${more} HTTP/1.1`,
          'Host: docker',
          'Origin: http://docker',
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
          '',
          '',
        ].join('\r\n');
      await s.up('socketed', { Cmd: ['cat'], OpenStdin: true, Tty: true });
      const got = await s.raw('handshake', handshake('socketed'));
      const mask = Buffer.from([1, 2, 3, 4]);
      const text = Buffer.from('hi\n');
      got.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, text.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]));
      await s.until('the echo', () => Promise.resolve(got.received().includes('hi')));
      got.socket.destroy();
      const lost = await s.raw('unknown', handshake('nobody'));
      s.note('unknown: body', 'GET /containers/{id}/attach/ws', await whole(lost, 1_000));
      await s.ask('no handshake', 'GET /containers/socketed/attach/ws?stream=1', undefined, { timeoutMs: 3_000 });
    },
  },
  {
    name: 'exec',
    async run(s) {
      await s.up('runner');
      const make = async (label: string, config: unknown, name = 'runner'): Promise<string> => {
        const made = await s.ask(`create: ${label}`, `POST /containers/${name}/exec`, config);
        const { Id } = (made.json ?? {}) as { Id?: string };
        if (Id !== undefined) s.know(label, Id);
        return Id ?? 'none';
      };
      const out = { AttachStdout: true, AttachStderr: true };
      const id = await make('both streams', { ...out, Cmd: ['sh', '-c', 'echo out; sleep 0.2; echo err >&2; exit 3'] });
      await s.ask('inspect before', `GET /exec/${id}/json`);
      for (const [label, headers] of [
        ['101', UPGRADE],
        ['200', []],
      ] as const) {
        for (const Tty of [false, true]) {
          const name = `${label} ${Tty ? 'tty' : 'framed'}`;
          const exec = await make(name, {
            ...out,
            AttachStdin: true,
            Tty,
            Cmd: ['sh', '-c', 'echo out; cat; sleep 0.2; echo err >&2; exit 3'],
          });
          const got = await s.raw(`start: ${name}`, post(`/exec/${exec}/start`, JSON.stringify({ Detach: false, Tty }), headers));
          await s.until('its first words', () => Promise.resolve(got.received().includes('out')));
          got.socket.write('typed\n');
          if (Tty) got.socket.write('\u0004');
          else got.socket.end();
          s.note(`all: ${name}`, EXEC, await whole(got));
          got.socket.destroy();
          await s.ask(`inspect after: ${name}`, `GET /exec/${exec}/json`);
        }
      }
      const detached = await make('detached', { Cmd: ['true'] });
      await s.ask('start detached', `POST /exec/${detached}/start`, { Detach: true });
      await s.until('its end', async () => !((await s.quiet(`GET /exec/${detached}/json`)).json as { Running: boolean }).Running);
      await s.ask('inspect detached', `GET /exec/${detached}/json`);
      await s.ask('start again', `POST /exec/${detached}/start`, { Detach: true });
      await s.ask('attached, without upgrade, whole', `POST /exec/${id}/start`, { Detach: false });
      const nothing = await make('no such program', { ...out, Cmd: ['/not/there'] });
      const failing = await s.raw('start: no such program', post(`/exec/${nothing}/start`, '{}', UPGRADE));
      s.note('all: no such program', EXEC, await whole(failing, 1_500));
      failing.socket.destroy();
      const long = await make('long', { ...out, Tty: true, Cmd: ['sleep', '60'] });
      await s.ask('resize before start', `POST /exec/${long}/resize?h=10&w=20`);
      await s.ask('start long detached', `POST /exec/${long}/start`, { Detach: true, Tty: true });
      await s.ask('resize', `POST /exec/${long}/resize?h=10&w=20`);
      await s.ask('resize badly', `POST /exec/${long}/resize?h=x&w=20`);
      await make('full', {
        ...out,
        Cmd: ['env'],
        Env: ['Ü=ä'],
        User: '7',
        WorkingDir: '/tmp',
        Privileged: true,
        DetachKeys: 'ctrl-a',
        Tty: true,
      });
      await make('no command', { ...out });
      await make('bad detach keys', { ...out, Cmd: ['true'], DetachKeys: 'what' });
      await make('unknown container', { Cmd: ['true'] }, 'nobody');
      await s.ask('no body', 'POST /containers/runner/exec');
      await s.ask('bad body', 'POST /containers/runner/exec', '{', { headers: { 'Content-Type': 'application/json' } });
      await s.ask('unknown: inspect', 'GET /exec/0123456789abcdef/json');
      await s.ask('unknown: start', 'POST /exec/0123456789abcdef/start', {});
      await s.ask('unknown: resize', 'POST /exec/0123456789abcdef/resize?h=1&w=1');
      await s.ask('inspect shows execs', 'GET /containers/runner/json');
      await s.create('stopped');
      await make('not running', { Cmd: ['true'] }, 'stopped');
      await s.quiet('POST /containers/runner/pause');
      await make('paused', { Cmd: ['true'] });
    },
  },
];
