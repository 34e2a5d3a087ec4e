/** ping, version, info, df, auth, swarm and plugins, pages that are not there; and what is no request at all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { promisedMs } from '../../../support/promised.ts';
import type { Case, Session } from '../session.ts';
import { hijack, request } from '../wire.ts';

/** Types in place of values: what these say of one machine is not what they say of three. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shape(one)]));
}

async function shapeOf(s: Session, label: string, line: string): Promise<void> {
  const { status, json, headers } = await s.quiet(line, undefined, { tolerant: true });
  // which image comes first, and whether it has labels, is of the moment
  const told = typeof json === 'object' && json !== null && 'Images' in json && Array.isArray(json.Images) ? { ...json, Images: [] } : json;
  s.note(label, line.replace(/\?.*/, ''), { status, type: headers['content-type'], shape: shape(told) });
}

/** Without a version in front. */
async function bare(s: Session, label: string, method: string, path: string, headers: Record<string, string> = {}): Promise<void> {
  const { status, headers: said, body } = await request(s.endpoint, method, path, { headers });
  const { date: _, connection: _c, 'keep-alive': _k, 'content-length': length, 'transfer-encoding': _t, ...others } = said;
  s.note(label, `${method} ${path}`, { status, headers: others, length, body: body.toString() });
}

const MISSING: readonly string[] = [
  'GET /containers/nobody/json',
  'GET /containers/nobody/checkpoints',
  'DELETE /containers/nobody',
  'GET /images/nobody/json',
  'GET /images/nobody/history',
  'GET /images/nobody/get',
  'POST /images/nobody/tag?repo=x',
  'POST /images/nobody/push',
  'DELETE /images/nobody',
  'DELETE /images/UPPER',
  'GET /images/sha256:0000/json',
  'GET /networks/nobody',
  'DELETE /networks/nobody',
  'POST /networks/nobody/connect',
  'POST /networks/nobody/disconnect',
  'GET /volumes/nobody',
  'DELETE /volumes/nobody',
  'GET /plugins/nobody/json',
  'DELETE /plugins/nobody',
  'POST /plugins/nobody/enable?timeout=0',
  'POST /plugins/nobody/disable',
  'POST /session',
  'GET /nothing',
  'GET /',
  'POST /containers/json',
  'DELETE /containers/json/x/y',
  'PATCH /containers/json',
  'GET /containers/',
  'OPTIONS /containers/json',
  'HEAD /containers/json',
  'HEAD /info',
];

export const cases: readonly Case[] = [
  {
    name: 'ping, version, info, df',
    isAlone: true,
    async run(s) {
      await s.up('one');
      await bare(s, 'GET ping', 'GET', '/_ping');
      await bare(s, 'HEAD ping', 'HEAD', '/_ping');
      await s.ask('ping with version', 'GET /_ping');
      await s.ask('POST ping', 'POST /_ping');
      await shapeOf(s, 'version', 'GET /version');
      await shapeOf(s, 'info', 'GET /info');
      await shapeOf(s, 'df', 'GET /system/df');
      await shapeOf(s, 'df of containers', 'GET /system/df?type=container');
      await shapeOf(s, 'df of what', 'GET /system/df?type=what');
      await bare(s, 'list without version', 'GET', '/containers/nobody/json');
      await s.ask('auth without body', 'POST /auth');
      await s.ask('auth with a bad body', 'POST /auth', '[', { headers: { 'Content-Type': 'application/json' } });
      await s.ask('plugins', 'GET /plugins');
    },
  },
  {
    name: 'what is not there',
    async run(s) {
      for (const line of MISSING) await s.ask(line, line);
    },
  },
  {
    name: 'what is no request, or two in one',
    async run(s) {
      const send = async (label: string, text: string): Promise<void> => {
        const got = await hijack(s.endpoint, text, promisedMs(3_000));
        await Promise.race([got.ended, sleep(promisedMs(600))]);
        got.socket.destroy();
        s.note(label, text.startsWith('POST /containers/create') ? 'POST /containers/create' : '*', {
          status: Number(got.statusLine.split(' ')[1] ?? 0),
          second: got.received().includes('HTTP/1.1'),
        });
      };
      const head = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
      await send('nonsense', head('what is this'));
      await send('no host', head('GET /_ping HTTP/1.1'));
      await send('HTTP/1.0', head('GET /_ping HTTP/1.0'));
      await send('two lengths', head('POST /containers/create HTTP/1.1', 'Host: d', 'Content-Length: 2', 'Content-Length: 3'));
      await send('bad length', head('POST /containers/create HTTP/1.1', 'Host: d', 'Content-Length: x'));
      await send(
        'bad chunk',
        `${head('POST /containers/create HTTP/1.1', 'Host: d', 'Transfer-Encoding: chunked', 'Content-Type: application/json')}zz\r\n`,
      );
      await send('bad header name', head('GET /_ping HTTP/1.1', 'Host: d', 'a b: c'));
      await send('pipelined', `${head('GET /_ping HTTP/1.1', 'Host: d')}${head('GET /_ping HTTP/1.1', 'Host: d')}`);
      await send('dots in the path', head('GET /v1.41/containers/../../_ping HTTP/1.1', 'Host: d'));
      await send('an absolute URI', head('GET http://d/_ping HTTP/1.1', 'Host: d'));
    },
  },
];
