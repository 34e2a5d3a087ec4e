/** HTTP as it is on the wire: one connection a request, nothing hidden. For engines on their sockets and for doors on TCP. */
import http, { type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { promisedMs } from '../../support/promised.ts';

/** `unix:///path` or `tcp://host:port`. */
export type Endpoint = string;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** False: the connection broke, or time was over, before the body's end. */
  readonly isWhole: boolean;
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Plain values are sent as JSON; strings and bytes as they are. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

export function address(endpoint: Endpoint): { socketPath: string } | { host: string; port: number } {
  const url = new URL(endpoint);
  return url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: Number(url.port) };
}

export function dial(endpoint: Endpoint): Promise<Socket> {
  const to = address(endpoint);
  return new Promise((resolve, reject) => {
    const options = { allowHalfOpen: true } as const;
    const socket = 'socketPath' in to ? connect({ path: to.socketPath, ...options }) : connect({ ...to, ...options });
    socket.once('connect', () => resolve(socket.setNoDelay(true))).once('error', reject);
  });
}

export interface Live {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: Buffer[];
  /** Settles at the body's end, or when it breaks. */
  readonly ended: Promise<boolean>;
  close(): void;
}

/** Resolves with the head; the body comes in by itself. */
export function open(endpoint: Endpoint, method: string, path: string, ask: Ask = {}): Promise<Live> {
  const { body } = ask;
  const bytes = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const isJson = bytes !== undefined && bytes !== body;
  const headers: Record<string, string | string[]> = { Host: 'docker', ...(isJson ? { 'Content-Type': 'application/json' } : {}) };
  Object.assign(headers, ask.headers);
  if (bytes !== undefined && headers['Transfer-Encoding'] === undefined) headers['Content-Length'] ??= String(Buffer.byteLength(bytes));
  return new Promise((resolve, reject) => {
    const request = http.request({ ...address(endpoint), method, path, headers, agent: false, setHost: false }, (answer) => {
      const chunks: Buffer[] = [];
      const ended = new Promise<boolean>((done) => {
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', () => done(false)).once('close', () => done(answer.complete));
      });
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, chunks, ended, close: () => request.destroy() });
    });
    request.setTimeout(ask.timeoutMs ?? promisedMs(30_000), () => request.destroy(new Error(`no answer to ${method} ${path}`)));
    request.once('error', reject);
    request.end(bytes);
  });
}

/** The whole answer, or what came of it within the time. */
export async function request(endpoint: Endpoint, method: string, path: string, ask: Ask = {}): Promise<Answer> {
  const live = await open(endpoint, method, path, ask);
  const timer = setTimeout(() => live.close(), ask.timeoutMs ?? promisedMs(30_000));
  const isWhole = await live.ended;
  clearTimeout(timer);
  return { status: live.status, headers: live.headers, body: Buffer.concat(live.chunks), isWhole };
}

export interface Hijacked {
  readonly statusLine: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
  /** Everything that came after the head. */
  readonly received: () => Buffer;
  /** Settles when the other side is done. */
  readonly ended: Promise<void>;
}

/** Sends these bytes and reads an answer's head; from then on both sides may say what they like. */
export async function hijack(endpoint: Endpoint, requestBytes: string | Buffer, timeoutMs = promisedMs(15_000)): Promise<Hijacked> {
  const socket = await dial(endpoint);
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  let all = Buffer.alloc(0);
  let bodyAt = -1;
  let gotHead = (): void => undefined;
  const head = new Promise<void>((resolve) => {
    gotHead = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    all = Buffer.concat([all, chunk]);
    if (bodyAt < 0 && all.includes('\r\n\r\n')) {
      bodyAt = all.indexOf('\r\n\r\n') + 4;
      gotHead();
    }
  });
  socket.write(requestBytes);
  await Promise.race([head, ended]);
  const [statusLine = '', ...lines] = all
    .subarray(0, Math.max(bodyAt - 4, 0))
    .toString('latin1')
    .split('\r\n');
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
  return { statusLine, headers, socket, received: () => all.subarray(Math.max(bodyAt, 0)), ended };
}

/** Docker's stream framing: `[[1, "out"], [2, "err"]]`, neighbours of one kind joined; undefined: it is none. */
export function frames(bytes: Buffer): readonly (readonly [number, string])[] | undefined {
  const found: [number, string][] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at] ?? 9;
    if (kind > 2 || bytes.length < at + 8 || bytes.readUIntBE(at + 1, 3) !== 0) return undefined;
    const size = bytes.readUInt32BE(at + 4);
    if (bytes.length < at + 8 + size) return undefined;
    const text = bytes.subarray(at + 8, at + 8 + size).toString();
    const last = found.at(-1);
    if (last?.[0] === kind) last[1] += text;
    else found.push([kind, text]);
    at += 8 + size;
  }
  return found;
}
