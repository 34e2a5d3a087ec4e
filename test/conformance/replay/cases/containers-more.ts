/** top, stats, changes, export, archive, commit, update, wait, kill, remove, prune. */
import type { Case } from '../session.ts';

/** A tar archive of one small file, as `tar` writes it. */
function tarOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\x000000000\x000000000\0', 100);
  header.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0        0', 136);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}

const stat = (header: unknown): unknown =>
  typeof header === 'string' ? (JSON.parse(Buffer.from(header, 'base64').toString()) as unknown) : header;

export const cases: readonly Case[] = [
  {
    name: 'top, stats, changes, export',
    async run(s) {
      await s.up('busy', { Cmd: ['sh', '-c', 'echo x > /new; rm -r /var/www; sleep 600'] });
      const top = async () => (await s.quiet('GET /containers/busy/top')).json as { Titles: string[]; Processes: string[][] };
      // all before is done then
      await s.until('it sleeps', async () => (await top()).Processes.some((row) => row.at(-1) === 'sleep 600'));
      const { Titles, Processes } = await top();
      s.note('top', 'GET /containers/{id}/top', { Titles, processes: Processes.length });
      const aux = (await s.quiet('GET /containers/busy/top?ps_args=aux')).json as { Titles: string[] };
      s.note('top aux', 'GET /containers/{id}/top', aux.Titles);
      await s.ask('top badly', 'GET /containers/busy/top?ps_args=-zz');
      // an engine walks them in the order of a map, which is none
      const changes = (await s.quiet('GET /containers/busy/changes')).json as { Kind: number; Path: string }[];
      s.note(
        'changes',
        'GET /containers/{id}/changes',
        changes.toSorted((a, b) => (a.Path < b.Path ? -1 : 1)),
      );
      const shape = (value: unknown): unknown =>
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shape(one)]))
          : typeof value;
      const once = await s.quiet('GET /containers/busy/stats?stream=0');
      s.note('stats once', 'GET /containers/{id}/stats', { shape: shape(once.json), type: once.headers['content-type'] });
      const shot = await s.quiet('GET /containers/busy/stats?stream=0&one-shot=1');
      s.note('stats one-shot', 'GET /containers/{id}/stats', shape(shot.json));
      const stream = await s.live('stats stream: head', 'GET /containers/busy/stats');
      await s.until('two readings', () => Promise.resolve(Buffer.concat(stream.chunks).toString().split('\n').length > 2));
      stream.close();
      const exported = await s.quiet('GET /containers/busy/export');
      s.note('export', 'GET /containers/{id}/export', { type: exported.headers['content-type'], hasNew: exported.body.includes('new') });
      await s.quiet('POST /containers/busy/kill');
      await s.ask('top of what does not run', 'GET /containers/busy/top');
      await s.ask('stats of what does not run', 'GET /containers/busy/stats?stream=0');
      for (const what of ['top', 'stats?stream=0', 'changes', 'export', 'stats'])
        await s.ask(`unknown ${what}`, `GET /containers/nobody/${what}`);
    },
  },
  {
    name: 'archive',
    async run(s) {
      await s.create('files');
      const put = (label: string, query: string, body: unknown = tarOf('grün.txt', 'hello'), name = 'files') =>
        s.ask(label, `PUT /containers/${name}/archive?${query}`, body, { headers: { 'Content-Type': 'application/x-tar' } });
      await put('put', 'path=/tmp');
      await put('put where nothing is', 'path=/not/there');
      await put('put into a file', 'path=/etc/passwd');
      await put('put no tar', 'path=/tmp', 'this is no tar');
      await put('put without path', '');
      await put('put into nobody', 'path=/tmp', tarOf('x', 'y'), 'nobody');
      await put('put chunked', 'path=/root', tarOf('chunked', 'z'));
      for (const path of ['/tmp/gr%C3%BCn.txt', '/tmp', '/root/chunked', '/bin/sh', 'tmp', '/', '/not/there', '']) {
        const head = await s.quiet(`HEAD /containers/files/archive?path=${path}`, undefined, { tolerant: true });
        const got = await s.quiet(`GET /containers/files/archive?path=${path}`, undefined, { tolerant: true });
        s.note(`head ${path}`, 'HEAD /containers/{id}/archive', {
          status: head.status,
          stat: stat(head.headers['x-docker-container-path-stat']),
          body: head.body.length,
        });
        s.note(`get ${path}`, 'GET /containers/{id}/archive', {
          status: got.status,
          stat: stat(got.headers['x-docker-container-path-stat']),
          type: got.headers['content-type'],
          body: got.status === 200 ? got.body.length > 0 : got.json,
        });
      }
      await s.ask('head without path', 'HEAD /containers/files/archive');
      await s.ask('get without path', 'GET /containers/files/archive');
      await s.ask('head of nobody', 'HEAD /containers/nobody/archive?path=/');
      await s.ask('get of nobody', 'GET /containers/nobody/archive?path=/');
    },
  },
  {
    name: 'commit',
    async run(s) {
      await s.up('base', { Labels: { a: 'b' } });
      await s.ask('commit', 'POST /commit?container=base&repo=made/here&tag=1&comment=why&author=me', { Labels: { c: 'd' }, Env: ['X=1'] });
      await s.ask('commit with changes', 'POST /commit?container=base&repo=made/here&tag=2&changes=CMD%20%5B%22x%22%5D&pause=0');
      const made = await s.quiet('GET /images/made/here:1/json');
      const { Config, Comment, Author } = made.json as { Config: Record<string, unknown>; Comment: string; Author: string };
      s.note('what was made', 'POST /commit', { Labels: Config['Labels'], Env: Config['Env'], Comment, Author });
      await s.ask('bad change', 'POST /commit?container=base&changes=RUN%20x');
      await s.ask('bad reference', 'POST /commit?container=base&repo=UPPER');
      await s.ask('unknown container', 'POST /commit?container=nobody');
      await s.ask('no container', 'POST /commit');
      for (const tag of ['1', '2']) await s.quiet(`DELETE /images/made/here:${tag}`);
    },
  },
  {
    name: 'update',
    async run(s) {
      await s.up('changing', { HostConfig: { Memory: 64 << 20 } });
      await s.ask('shares', 'POST /containers/changing/update', {
        CpuShares: 300,
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
      });
      await s.ask('after', 'GET /containers/changing/json');
      await s.ask('bad policy', 'POST /containers/changing/update', { RestartPolicy: { Name: 'what' } });
      await s.ask('little memory', 'POST /containers/changing/update', { Memory: 1 });
      await s.ask('no body', 'POST /containers/changing/update');
      await s.ask('bad body', 'POST /containers/changing/update', '[', { headers: { 'Content-Type': 'application/json' } });
      await s.ask('unknown', 'POST /containers/nobody/update', {});
      await s.ask('resize', 'POST /containers/changing/resize?h=20&w=40');
      await s.ask('resize badly', 'POST /containers/changing/resize?h=x&w=y');
      await s.ask('resize unknown', 'POST /containers/nobody/resize?h=20&w=40');
    },
  },
  {
    name: 'wait',
    async run(s) {
      await s.create('waited', { Cmd: ['sh', '-c', 'exit 5'] });
      await s.ask('not running: at once', 'POST /containers/waited/wait');
      await s.ask('bad condition', 'POST /containers/waited/wait?condition=what');
      const next = await s.live('next exit: head at once', 'POST /containers/waited/wait?condition=next-exit');
      const removed = await s.live('removed: head at once', 'POST /containers/waited/wait?condition=removed');
      await s.quiet('POST /containers/waited/start');
      s.note('next exit', 'POST /containers/{id}/wait', { isWhole: await next.ended, body: Buffer.concat(next.chunks).toString() });
      await s.ask('exited: at once', 'POST /containers/waited/wait?condition=not-running');
      await s.quiet('DELETE /containers/waited');
      s.note('removed', 'POST /containers/{id}/wait', { isWhole: await removed.ended, body: Buffer.concat(removed.chunks).toString() });
      await s.ask('unknown', 'POST /containers/nobody/wait');
      await s.create('fleeting', { Cmd: ['sh', '-c', 'exit 6'], HostConfig: { AutoRemove: true } });
      const gone = await s.live('auto-removed: head', 'POST /containers/fleeting/wait?condition=removed');
      await s.quiet('POST /containers/fleeting/start');
      s.note('auto-removed', 'POST /containers/{id}/wait', { isWhole: await gone.ended, body: Buffer.concat(gone.chunks).toString() });
      await s.ask('it is gone', 'GET /containers/fleeting/json');
    },
  },
  {
    name: 'signals and stopping',
    async run(s) {
      await s.up('stubborn', { Cmd: ['sh', '-c', 'trap "" TERM; trap "exit 9" USR1; echo ready; while :; do sleep 0.1; done'] });
      const isReady = async (times: number) =>
        (await s.quiet('GET /containers/stubborn/logs?stdout=1')).body.toString().split('ready').length > times;
      await s.until('its traps', () => isReady(1));
      for (const signal of ['HUP2', 'SIG', '999', '-1', 'x'])
        await s.ask(`kill ${signal}`, `POST /containers/stubborn/kill?signal=${signal}`);
      await s.ask('kill TERM', 'POST /containers/stubborn/kill?signal=TERM');
      await s.ask('stop badly', 'POST /containers/stubborn/stop?t=x');
      await s.ask('kill USR1', 'POST /containers/stubborn/kill?signal=SIGUSR1');
      await s.ask('its code', 'POST /containers/stubborn/wait');
      await s.ask('start', 'POST /containers/stubborn/start');
      await s.until('its traps again', () => isReady(2));
      await s.ask('stop, killed after a second', 'POST /containers/stubborn/stop?t=1');
      await s.ask('its end', 'GET /containers/stubborn/json');
      await s.ask('restart what is stopped', 'POST /containers/stubborn/restart?t=0');
      await s.ask('kill by number', 'POST /containers/stubborn/kill?signal=9');
      for (const what of ['start', 'stop', 'restart', 'kill', 'pause', 'unpause'])
        await s.ask(`unknown ${what}`, `POST /containers/nobody/${what}`);
      await s.ask('start with detach keys', 'POST /containers/stubborn/start?detachKeys=what');
      await s.ask('start with checkpoint', 'POST /containers/stubborn/start?checkpoint=x');
      await s.ask('start with a body', 'POST /containers/stubborn/start', { Dns: ['1.1.1.1'] });
    },
  },
  {
    name: 'remove and prune',
    isAlone: true,
    async run(s) {
      await s.ask('unknown', 'DELETE /containers/nobody');
      await s.up('running');
      await s.ask('running', 'DELETE /containers/running');
      await s.ask('running, no force', 'DELETE /containers/running?force=0&v=1');
      await s.ask('bad link', 'DELETE /containers/running?link=1');
      await s.ask('force', 'DELETE /containers/running?force=true');
      await s.ask('force unknown', 'DELETE /containers/running?force=1');
      await s.create('voluminous', { Volumes: { '/data': {} } });
      const before = (await s.quiet('GET /volumes')).json as { Volumes: unknown[] };
      await s.ask('with volumes', 'DELETE /containers/voluminous?v=1');
      const after = (await s.quiet('GET /volumes')).json as { Volumes: unknown[] | null };
      s.note('volumes', 'DELETE /containers/{id}', { before: before.Volumes.length, after: (after.Volumes ?? []).length });
      await s.create('old-one', { Labels: { keep: 'no' } });
      await s.create('old-two', { Labels: { keep: 'yes' } });
      await s.ask('prune: bad filter', 'POST /containers/prune?filters={"what":["x"]}');
      await s.ask('prune: no JSON', 'POST /containers/prune?filters=x');
      await s.ask('prune by label', 'POST /containers/prune?filters={"label":["keep=no"]}');
      await s.ask('prune but label', 'POST /containers/prune?filters={"label!":["keep"]}');
      await s.ask('prune until', 'POST /containers/prune?filters={"until":["1h"]}');
      await s.ask('prune all', 'POST /containers/prune');
      await s.ask('prune nothing', 'POST /containers/prune');
    },
  },
];
