/** What clients do to a endpoint: ask, stream, stall, break off, half close, and say what is no HTTP. Each ends by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { dial, type Endpoint, open, request } from './wire.ts';

/** `half-cut`: half closes first, and may still listen until it hangs up, or `half-reset` says otherwise. */
type Ending = 'cut' | 'reset' | 'half-reset';

/** Sends bytes, waits a little, and is gone without a word. */
async function rude(endpoint: Endpoint, text: string, patienceMs: number, ending: Ending): Promise<void> {
  const socket = await dial(endpoint);
  socket.on('error', () => undefined).resume();
  socket.write(text);
  await sleep(patienceMs);
  if (ending === 'half-reset') {
    socket.end();
    await sleep(patienceMs);
  }
  if (ending === 'cut') socket.destroy();
  else socket.resetAndDestroy();
}

/** A request in small pieces, and an answer that is read to its end. */
async function slow(endpoint: Endpoint, text: string): Promise<void> {
  const socket = await dial(endpoint);
  const over = new Promise<void>((resolve) => void socket.once('close', resolve));
  socket.on('error', () => undefined).resume();
  for (let at = 0; at < text.length && !socket.destroyed; at += 16) {
    socket.write(text.slice(at, at + 16));
    await sleep(2);
  }
  socket.end();
  await over;
}

/** Asks for much, reads a little of it, stops reading, and leaves. */
async function slowReader(endpoint: Endpoint, text: string, patienceMs: number): Promise<void> {
  const socket = await dial(endpoint);
  socket.on('error', () => undefined);
  socket.write(text);
  socket.once('data', () => socket.pause());
  await sleep(patienceMs);
  socket.destroy();
}

const head = (line: string, ...headers: readonly string[]) => [`${line} HTTP/1.1`, 'Host: d', ...headers, '', ''].join('\r\n');
const JSON_TYPE = 'Content-Type: application/json';
const UPGRADE = ['Connection: Upgrade', 'Upgrade: tcp'];
const WEBSOCKET = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const CHUNKED = 'Transfer-Encoding: chunked';

/** `name` is a running container with `cat` on its standard input. */
export function kinds(endpoint: Endpoint, name: string): readonly ((i: number) => Promise<unknown>)[] {
  const get = (path: string) => () => request(endpoint, 'GET', path);
  const leave = (method: string, path: string) => async (i: number) => {
    const live = await open(endpoint, method, path);
    await sleep(i % 30);
    live.close();
    await live.ended;
  };
  const says = (text: string, patienceMs: number, ending: Ending) => () => rude(endpoint, text, patienceMs, ending);
  const exec = async (): Promise<string> => {
    const made = await request(endpoint, 'POST', `/containers/${name}/exec`, {
      body: { AttachStdin: true, AttachStdout: true, Cmd: ['cat'] },
    });
    const body = JSON.stringify({ Detach: false, Tty: false });
    const { Id } = JSON.parse(made.body.toString()) as { readonly Id: string };
    return head(`POST /exec/${Id}/start`, JSON_TYPE, ...UPGRADE, `Content-Length: ${body.length}`) + body;
  };
  const attach = `POST /containers/${name}/attach?stream=1&stdout=1`;
  return [
    get('/containers/json?all=1'),
    get('/containers/json?all=1&limit=5'),
    get(`/containers/${name}/json`),
    get(`/containers/${name}/top`),
    get('/containers/nobody/json'),
    get('/images/json'),
    get('/networks'),
    get('/volumes'),
    get('/info'),
    get('/no/such/page'),
    get(`/containers/${name}/logs?stdout=1&tail=5`),
    get(`/containers/${name}/archive?path=/etc/passwd`),
    get('/events?until=1'),
    () => request(endpoint, 'HEAD', '/_ping'),
    leave('GET', '/events'),
    leave('GET', `/containers/${name}/logs?stdout=1&follow=1`),
    leave('GET', `/containers/${name}/stats`),
    leave('GET', `/containers/${name}/export`),
    leave('POST', `/containers/${name}/wait`),
    (i) => request(endpoint, 'POST', '/containers/create?name=-', { body: { Image: 'busybox', Env: [`I=${i}`] } }),
    () => request(endpoint, 'POST', '/containers/create', { body: '{', headers: { 'Content-Type': 'application/json' } }),
    () => slow(endpoint, head('GET /containers/json?all=1', 'Connection: close')),
    () => slow(endpoint, `${head('POST /containers/create', JSON_TYPE, 'Content-Length: 2', 'Connection: close')}[]`),
    () => slowReader(endpoint, head(`GET /containers/${name}/export`), 60),
    () => slowReader(endpoint, head(`GET /containers/${name}/logs?follow=1&stdout=1`), 60),
    async () => rude(endpoint, await exec(), 30, 'half-reset'),
    async () => rude(endpoint, await exec(), 30, 'reset'),
    says(head('POST /containers/create', JSON_TYPE, 'Content-Length: 5000') + '{"Image"', 20, 'cut'),
    says(head('PUT /containers/x/archive?path=/', CHUNKED) + '5\r\nab', 20, 'reset'),
    says(head(`PUT /containers/${name}/archive?path=/tmp`, 'Content-Type: application/x-tar', CHUNKED) + '5\r\nab', 20, 'reset'),
    says(head('POST /images/load', 'Content-Type: application/x-tar', 'Content-Length: 100000') + 'x'.repeat(700), 20, 'cut'),
    says(head('POST /build?q=1', 'Content-Type: application/x-tar', CHUNKED) + '200\r\n', 20, 'half-reset'),
    says(head(`POST /containers/${name}/attach?stream=1&stdin=0&stdout=1`, ...UPGRADE), 20, 'reset'),
    says(head(attach, ...UPGRADE), 20, 'half-reset'),
    says(head(attach, 'Content-Length: 0'), 20, 'half-reset'),
    says(head(`GET /containers/${name}/attach/ws?stream=1&stdout=1`, ...WEBSOCKET), 20, 'reset'),
    says(head('GET /containers/json'), 0, 'reset'),
    says('GET /containers/js', 20, 'cut'),
    says(head('POST /session', 'Connection: Upgrade', 'Upgrade: h2c'), 20, 'reset'),
    says('what is this\r\n\r\n', 10, 'cut'),
    says(head('POST /build', 'Content-Length: 3', CHUNKED) + '0\r\n\r\n', 10, 'cut'),
    says(head('POST /build', 'Transfer-Encoding: gzip, chunked') + '0\r\n\r\n', 10, 'reset'),
    says(head('GET /_ping', 'Host: e') + head('GET /_ping'), 10, 'cut'),
    says(head('GET /_ping') + head('GET /containers/json') + head('GET /_ping'), 10, 'reset'),
    says(head('POST /containers/create', JSON_TYPE, CHUNKED) + 'zz\r\n', 10, 'cut'),
  ];
}
